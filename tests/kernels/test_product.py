"""The matrix product that finds most of the nearest embeddings."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels import product, tuning
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.search import by_product, nearest_of_few
from vq_layer.kernels.tuning import Tuning

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("farthest", [3, 97])
def test_the_centre_is_that_of_the_finite_embeddings_in_whatever_blocks(monkeypatch, farthest):
    emb_space = np.random.default_rng(0).uniform(1, 2, (100, 5)).astype(np.float32)
    emb_space[farthest] = 4
    emb_space[::9, 1] = np.nan
    monkeypatch.setattr(tuning, "TUNING", Tuning(product_block=17))
    mean, largest = product.prepare(tf.constant(emb_space))
    finite = emb_space[np.isfinite(emb_space).all(axis=1)].astype(np.float64)
    bound = 100 * 2.0**-23  # sums of up to 100 positive terms, each rounded
    np.testing.assert_allclose(mean, finite.mean(axis=0), rtol=bound)
    squares = np.square(finite - finite.mean(axis=0)).sum(axis=1)
    np.testing.assert_allclose(largest, squares.max(), rtol=2 * bound)  # of the rounded mean, squared


RNG = np.random.default_rng(0)
ROWS, EMBEDDINGS = RNG.normal(size=(300, 5)), RNG.normal(size=(40, 5))
TIES = RNG.integers(-1, 2, (300, 5)), np.repeat(RNG.integers(-1, 2, (20, 5)), 2, axis=0)
BROKEN = ROWS.copy(), EMBEDDINGS.copy()
for rows in BROKEN:
    rows[::7, 2], rows[3] = np.nan, np.inf
FEW_PAIRS = {
    "generic": (ROWS, EMBEDDINGS),
    "ties": TIES,
    "far from the origin": (ROWS + 1e4, EMBEDDINGS + 1e4),
    "far from each other": (ROWS + 1e6, EMBEDDINGS),
    "not finite": BROKEN,
    "one embedding": (ROWS, EMBEDDINGS[:1]),
    "none that is finite": (ROWS, np.full([1, 5], np.nan)),
    "squares that overflow": (1e25 * ROWS, 1e25 * EMBEDDINGS),
    "squares that are subnormal": (1e-25 * ROWS, 1e-25 * EMBEDDINGS),
    "no row": (ROWS[:0], EMBEDDINGS),
}


# Eagerly, in a graph and by XLA, each of which is traced once for all that are of one shape.
WAYS = [
    (way(product.decided_at_once), way(lambda rows, emb_space: nearest_of_few(rows, emb_space, 2)))
    for way in (lambda it: it, tf.function, tf.function(jit_compile=True))
]


@pytest.mark.clause("VQ-2.1", "VQ-2.3", "VQ-13.16", "VQ-15.3")
@pytest.mark.parametrize("of", FEW_PAIRS)
def test_of_few_pairs_a_product_finds_the_embedding_that_distances_find_or_leaves_it_open(monkeypatch, of):
    rows, emb_space = (tf.constant(it, tf.float32) for it in FEW_PAIRS[of])
    expected = nearest(pairwise_distance(rows, emb_space, 2)).numpy()
    monkeypatch.setattr(tuning, "TUNING", Tuning(product_of_few=1, few_rows=16))
    assert by_product(rows, emb_space, 2) == (of != "no row")
    for decided, found in WAYS:
        index = decided(rows, emb_space).numpy()
        np.testing.assert_array_equal(index[index >= 0], expected[index >= 0])
        np.testing.assert_array_equal(found(rows, emb_space), expected)
        if of in ("generic", "one embedding"):
            assert np.mean(index >= 0) > 0.99
        if of == "ties":
            assert np.mean(index < 0) > 0.9  # of which each embedding is there twice


@pytest.mark.clause("VQ-15.3")
@pytest.mark.parametrize(("times", "index"), [(0.5, -1), (2, 0)])
def test_a_product_leaves_open_what_is_within_its_error(times, index):
    d = 17
    margin = times * (4 * d + 32) * 2.0**-24  # of unit vectors
    rows = np.eye(2, d, dtype=np.float32)[:1]
    # Their similarities differ by the margin; so do half of their squared distances, where both norms count.
    similar = np.float32([[1 - margin, np.sqrt(2 * margin - margin**2)], [0, 0.5]]) @ np.eye(2, d, dtype=np.float32)
    near = np.float32([[1, np.sqrt(2 * 2 * margin)], [0, 0.5]]) @ np.eye(2, d, dtype=np.float32)
    others = product.others_of(tf.constant(np.concatenate([rows, similar])))
    assert product.most_similar(tf.constant(rows), others) == [index]
    assert product.decided_at_once(tf.constant(rows), tf.constant(np.concatenate([rows, near]))) == [index]


def test_of_few_pairs_a_product_pays_from_some_number_of_coordinates_on_and_only_under_l2():
    of_rows = {number: tf.TensorSpec([number, 16]) for number in (8, 32, None)}
    emb_space = tf.TensorSpec([64, 16])
    assert [by_product(rows, emb_space, 2) for rows in of_rows.values()] == [False, True, True]
    assert not any(by_product(rows, emb_space, order) for rows in of_rows.values() for order in (1, np.inf, 3))
