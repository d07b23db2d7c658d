"""Fixed cases of everyday sizes reach what they are for."""

import numpy as np
import pytest

import reference
from tests.parity.test_everyday_sizes import GRIDS, HALF, TRAINED
from vq_verify.adapters.oracle import Oracle, result_of
from vq_verify.strategies import everyday
from vq_verify.strategies.everyday import COSINE_SIZES, MORE_EMBEDDINGS, SIZES


@pytest.mark.parametrize("sizes", [SIZES["embeddings"], MORE_EMBEDDINGS], ids=["embeddings", "more embeddings"])
def test_embeddings_of_every_block_of_many_are_chosen_the_last_of_all_included(sizes):
    chosen = result_of(everyday.exact_case(sizes)).emb_index
    assert set(range(sizes.n // 128 + 1)) == set((chosen // 128).reshape(-1))
    assert (chosen == sizes.n - 1).any()


@pytest.mark.parametrize("size", ["coordinates", "more coordinates"])
def test_vectors_stand_out_in_coordinates_of_all_places_each_alone(size):
    vectors, _ = everyday.rows_of(SIZES[size])
    alone = np.nonzero(vectors[(vectors != 0).sum(axis=-1) == 1])[1]
    assert np.diff(np.unique(alone), prepend=0).max() < SIZES[size].d / 8
    assert SIZES[size].d - 1 in alone
    assert size != "coordinates" or len(set(alone)) == SIZES[size].d


@pytest.mark.parametrize("size", SIZES)
def test_nothing_rounds_in_float32(size):
    case = everyday.exact_case(SIZES[size])
    difference = case.vectors[:, np.newaxis] - case.emb_space
    assert (difference**2).sum(axis=-1).max(initial=0) < 2**22


@pytest.mark.parametrize("dtype", HALF)
def test_one_embedding_is_chosen_more_often_than_half_types_can_count(dtype):
    case, steps = everyday.trainings(TRAINED["vectors"][0], dtype)
    assert result_of(everyday.exact_case(SIZES["vectors"], dtype=dtype)).access_count.max() > 2048
    assert np.isfinite(steps[0].x.astype(np.float64)).all()
    trained = Oracle().training(case, 1)
    trained.training_pass(steps[0].x)
    assert trained.state["accumulated_usage_count"].max() > 2048


@pytest.mark.parametrize("size", TRAINED)
def test_the_most_distant_vectors_stand_in_all_parts_of_a_batch(size):
    sizes, number = TRAINED[size]
    case, (step, _) = everyday.trainings(sizes)
    distance = reference.vector_quantization(step.x, case.emb_space, **case.arguments).distance.min(axis=-1).reshape(-1)
    kept = np.sort(np.argsort(-distance, kind="stable")[:number])
    assert kept[0] < len(distance) / 4
    assert kept[-1] > len(distance) / 2


def test_votes_elect_high_labels_by_many_votes_and_a_few_at_that():
    case = everyday.exact_cosine_case(COSINE_SIZES["embeddings"], vote=True)
    result = Oracle().quantize_cosine(case)
    assert set(everyday.LABELS[-2:]) <= set(result.most_common_label.reshape(-1))
    assert 0 < result.percentage_identity_mapped < 1
    assert case.vote.k * case.vote.majority_threshold > 256


def test_similar_embeddings_of_every_block_of_many_are_chosen():
    chosen = Oracle().quantize_cosine(everyday.exact_cosine_case(COSINE_SIZES["embeddings"], vote=False)).emb_index
    assert (chosen >= 1024).any()
    assert ((chosen >= 512) & (chosen < 1024)).any()


def test_more_vectors_are_mapped_than_half_types_can_count():
    result = Oracle().quantize_cosine(everyday.exact_cosine_case(COSINE_SIZES["vectors"], vote=True))
    assert (result.emb_index >= 0).sum() > 2048
    assert 0 < result.percentage_identity_mapped < 1


def test_one_index_of_a_grid_comes_more_often_than_half_types_can_count():
    levels, num_splits, dtype = GRIDS["many vectors in float16"]
    case = everyday.clear_grid(levels, 4800 // num_splits, num_splits, dtype).case
    assert Oracle().quantize_scalar(case).access_count.max() > 2048
