"""The ranking of many embeddings, by each path that it may take (VQ-9, VQ-10, VQ-13, VQ-15)."""

import numpy as np
import pytest
import tensorflow as tf

from tests.kernels.rankings import COINS, EMB_SPACES, NORMAL, ROWS, D, K, N, check_ranking, inputs
from tests.parity import test_cosine as parity
from vq_layer.kernels import compilation, preselection, product, ranking, tuning
from vq_layer.kernels.lookup import k_most_similar
from vq_layer.kernels.ranking import top_k_similar
from vq_layer.kernels.route import route
from vq_layer.kernels.similarity import cosine_similarity, normalize
from vq_layer.kernels.tuning import Tuning
from vq_verify.adapters.graph import GraphFunctions
from vq_verify.adapters.keras_layers import KerasLayers
from vq_verify.protocol import CosineCase, Vote

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ranking")]  # on one worker, which compiles each program once

LARGEST_CHUNKS = {"plain": 16, "fused": 16, "normalized once": 256, "normalized when chosen": 16}


@pytest.fixture(
    scope="module", params=[pytest.param(it, marks=pytest.mark.long) if it == "fused" else it for it in LARGEST_CHUNKS]
)
def path(request):
    """Take one path for inputs of any size; XLA compiles once for all tests of it."""
    before = compilation.get_compilation()
    with pytest.MonkeyPatch.context() as patch:
        rows, few = LARGEST_CHUNKS[request.param], 16 * D
        patch.setattr(
            tuning,
            "TUNING",
            Tuning(
                small=0,
                plain_chunk=few * N,
                fused_pairs=16 * N,
                fused_step=1,
                ranking_rows=rows,
                compared_coordinates=few * 100,
            ),
        )
        compilation.set_compilation(request.param if request.param in ("plain", "fused") else "compiled")
        yield request.param
    compilation.set_compilation(before)


any_path = pytest.mark.usefixtures("path")


def one_path(test):
    return any_path(pytest.mark.parametrize("path", ["normalized when chosen"], indirect=True)(test))


def ranked(x, emb_space, k):
    x, emb_space = tf.constant(x), tf.constant(emb_space)
    return [part.numpy() for part in top_k_similar(x, emb_space, k, route(x, emb_space))]


@any_path
@pytest.mark.clause("VQ-9.4", "VQ-9.5", "VQ-10.1", "VQ-10.2", "VQ-13.16", "VQ-15.6")
def test_the_most_similar_come_first_whatever_the_embeddings():
    for emb_space in EMB_SPACES.values():
        x = inputs(emb_space)
        check_ranking(x, emb_space, *ranked(x, emb_space, K))


@one_path
@pytest.mark.clause("VQ-15.3")
def test_exact_similarities_are_ranked_as_by_the_plain_formula_bit_for_bit():
    rng = np.random.default_rng(5)
    emb_space, x = (np.eye(D)[rng.integers(0, D, [size, 4])].sum(axis=1) for size in (N, ROWS))
    # Rows of norm 2, and of 0.
    emb_space, x = (rows[:, ::-1] * (rows.max(axis=1, keepdims=True) == 1) for rows in (emb_space, x))
    for part, expected in zip(
        ranked(x, emb_space, K),
        k_most_similar(cosine_similarity(tf.constant(x), tf.constant(emb_space)), K),
        strict=True,
    ):
        np.testing.assert_array_equal(part, expected)


@any_path
@pytest.mark.clause("VQ-15.3")
def test_scores_that_are_off_by_as_much_as_they_may_be_change_nothing(monkeypatch):
    scaled, error = preselection._scaled, 0.9 * preselection.margin(D, tf.float32)

    def off(rows):
        rows, scale = scaled(rows)
        return rows, scale * (1 + error * tf.cos(tf.range(rows.shape[0], dtype=rows.dtype)[:, tf.newaxis] ** 2))

    monkeypatch.setattr(preselection, "_scaled", off)
    ranking._in_chunks.cache_clear()
    for name in ("all equal", "many duplicates", "random"):
        emb_space = EMB_SPACES[name]
        x = inputs(emb_space)
        x[:20] = np.nan
        check_ranking(x, emb_space, *ranked(x, emb_space, K))
    ranking._in_chunks.cache_clear()


@pytest.mark.clause("VQ-15.3", "VQ-15.6")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_are_within_their_bound_of_the_similarities(dtype):
    plan = preselection.plan(N, K)
    for emb_space in EMB_SPACES.values():
        x = inputs(emb_space).astype(dtype)
        embeddings = tf.constant(emb_space, dtype)
        units = normalize(tf.constant(x))
        of_groups, of_fans = preselection.maxima(units, embeddings, plan)
        index = plan.blocks.embedding_at(tf.range(plan.blocks.number * plan.blocks.size)).numpy()
        similarity = cosine_similarity(tf.constant(x), embeddings).numpy()
        similarity = np.where(np.isnan(similarity), -np.inf, similarity)
        similarity = np.append(similarity, np.full([ROWS, 1], -np.inf, dtype), axis=1)[:, index]
        margin = preselection.margin(D, units.dtype)
        for size, scores in (
            (plan.group, of_groups.numpy().reshape(-1, ROWS).T),
            (plan.group * plan.fan, of_fans.numpy()),
        ):
            np.testing.assert_allclose(scores, similarity.reshape(ROWS, -1, size).max(axis=-1), rtol=0, atol=margin)


@pytest.mark.clause("VQ-9.4", "VQ-13.16", "VQ-15.3")
@pytest.mark.parametrize("path", ["plain", "normalized when chosen"], indirect=True)
@pytest.mark.parametrize("name", EMB_SPACES)
@any_path
def test_the_most_similar_is_found_by_one_product_wherever_its_rounding_leaves_no_doubt(name):
    emb_space = EMB_SPACES[name]
    x = inputs(emb_space)
    check_ranking(x, emb_space, *ranked(x, emb_space, 1))
    units, others = normalize(tf.constant(x)), product.others_of(normalize(tf.constant(emb_space)))
    undecided = np.count_nonzero(product.most_similar(units, others) < 0)
    if name == "random":  # but for the rows that are zero or not finite
        assert undecided == 4
    if name in ("all equal", "each twice"):
        assert undecided > 30


@one_path
@pytest.mark.clause("VQ-10.1")
@pytest.mark.parametrize(("n", "k"), [(1, 1), (41, 41), (41, 7), (N, N)])
def test_all_embeddings_may_be_asked_for(n, k):
    emb_space = EMB_SPACES["many duplicates"][:n]
    x = inputs(NORMAL)
    check_ranking(x, emb_space, *ranked(x, emb_space, k))


@any_path
@pytest.mark.clause("VQ-9.4")
@pytest.mark.parametrize("rows", [0, 1, 55])
def test_each_row_is_ranked_by_itself_however_many_there_are(rows):
    x = np.resize(inputs(NORMAL), [rows, D])
    similarity, index = ranked(x, NORMAL, K)
    assert similarity.shape == index.shape == (rows, K)
    check_ranking(x, NORMAL, similarity, index)
    for part, others in zip((similarity, index), ranked(x[::-1].copy(), NORMAL, K), strict=True):
        np.testing.assert_array_equal(part, others[::-1])


@one_path
@pytest.mark.parametrize("shape", [[2, ROWS // 2, D], [None, None, D]])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_function_around_it_may_be_compiled_and_know_less_of_the_shape(shape, jit_compile):
    x = tf.constant(inputs(NORMAL).reshape(2, -1, D))
    signature = [tf.TensorSpec(shape, tf.float32)]
    ranked_within = lambda x: top_k_similar(x, NORMAL, K, route(x, NORMAL))  # noqa: E731
    within = tf.function(ranked_within, signature, jit_compile=jit_compile, autograph=False)
    similarity, index = within(x)
    assert within.get_concrete_function().outputs[0].shape.as_list() == [*shape[:-1], K]
    check_ranking(inputs(NORMAL), NORMAL, similarity.numpy().reshape(-1, K), index.numpy().reshape(-1, K))


@one_path
@pytest.mark.clause("VQ-9.4", "VQ-10.1", "VQ-15.7")
@pytest.mark.parametrize("adapter", [KerasLayers(), GraphFunctions("plain")], ids=["keras", "graph"])
@pytest.mark.parametrize("representative", [None, "first", "nearest"])
def test_the_quantizers_are_as_the_oracle_with_many_embeddings(adapter, representative):
    labels = np.random.default_rng(6).integers(0, 5, N)
    vote = representative and Vote(labels, 5, K, 0.5, representative)
    emb_space = np.where(COINS, NORMAL, 0)
    emb_space[:9] = np.nan
    case = CosineCase(x=inputs(NORMAL)[:, np.newaxis], emb_space=emb_space, vote=vote)
    if vote:
        parity.test_each_label_is_elected_by_some_k_most_similar_within_rounding.check(adapter, case)
    else:
        parity.test_each_index_is_the_most_similar_within_rounding_and_so_is_its_similarity.check(adapter, case)
