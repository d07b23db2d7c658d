"""The table of norms: each of its orders by each path, and those that it has not."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist

from vq_layer.kernels import compilation, tuning
from vq_layer.kernels.closest import closest_spacing
from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.distances import norm, pairwise_distance
from vq_layer.kernels.norms import norm_of
from vq_layer.kernels.pairs import all_distances, distances_among
from vq_layer.kernels.route import route
from vq_layer.kernels.search import nearest_index
from vq_layer.kernels.sums import sum_of_distances
from vq_layer.kernels.tuning import Tuning
from vq_verify.comparison import rounding

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("norms")]  # on one worker, which compiles each program once

ORDERS = (1.5, 3, np.inf)  # those of 1 and 2 go through all other tests of the kernels
N, ROWS = 37, 100
PATHS = ("small", "plain", "compiled")


@pytest.fixture(autouse=True, params=PATHS)
def _path(request, monkeypatch):
    """Force one path, in chunks if it is not that of small inputs; XLA takes long where it unrolls much."""
    if request.param != "small":
        monkeypatch.setattr(compilation, "_chosen", request.param)
        tuned = Tuning(small=0, plain_chunk=1 << 12, most_rows=64, strip=4, bundle=3)
        monkeypatch.setattr(tuning, "TUNING", tuned)


def one_path(name):
    return pytest.mark.parametrize("_path", [name], indirect=True)


def drawn(d):
    """Draw vectors and embeddings, of which some are equal, and two not finite."""
    rng = np.random.default_rng(0)
    emb_space = rng.standard_normal([N, d]).astype(np.float32)
    emb_space[20:] = emb_space[:17]
    x = rng.standard_normal([ROWS, d]).astype(np.float32)
    x[:10], x[10, 0], emb_space[18, 1] = emb_space[20:30], np.nan, np.inf
    return x, emb_space


def exact(x, emb_space, p):
    """Return the distances and the subgradients of VQ-7, in float64; NaN where something is not finite."""
    difference = emb_space.astype(np.float64) - x.astype(np.float64)[:, np.newaxis]
    difference[~np.isfinite(difference).all(axis=-1)] = np.nan
    magnitude = np.abs(difference)
    if np.isinf(p):
        distance = magnitude.max(axis=-1)
        share = magnitude == distance[..., np.newaxis]
        return distance, np.sign(difference) * share / share.sum(axis=-1, keepdims=True)
    distance = (magnitude**p).sum(axis=-1) ** (1 / p)
    whole = np.where(distance == 0, 1, distance)[..., np.newaxis]
    return distance, np.sign(difference) * (magnitude / whole) ** (p - 1)


def roundings(d, p):
    """Bound the roundings of a distance, those of its differences included: what the norms of any order state."""
    return 1 + (d + 5) / p + 7


def pulls(value, emb_space):
    """Return a value of embeddings and the gradient of its sum by these."""
    emb_space = tf.constant(emb_space)
    with tf.GradientTape() as tape:
        tape.watch(emb_space)
        found = value(emb_space)
    return found.numpy(), tape.gradient(found, emb_space).numpy()


@pytest.mark.clause("VQ-1.1", "VQ-1.2", "VQ-7.2", "VQ-7.3", "VQ-7.4", "VQ-7.5", "VQ-15.2")
@pytest.mark.parametrize(("p", "d"), [(1.5, 3), (3, 30), (np.inf, 30)])
def test_distances_and_their_sums_and_gradients_are_within_their_rounding_errors(p, d):
    x, emb_space = drawn(d)
    expected, directions = exact(x, emb_space, p)
    arithmetic = rounding(np.float32)
    error = arithmetic.gamma(roundings(d, p))
    # A direction has the roundings of a quotient of difference and distance, p - 1 times, and of the power; then sums.
    steep = 0 if np.isinf(p) else p - 1
    slack = ROWS * arithmetic.gamma(steep * (roundings(d, p) + 2) + steep + 8 + ROWS)
    way = route(x, emb_space)
    total, of_total = pulls(lambda embeddings: sum_of_distances(x, embeddings, p, way), emb_space)
    distance, of_distances = pulls(lambda embeddings: all_distances(x, embeddings, p, way), emb_space)
    np.testing.assert_allclose(distance, expected, rtol=error)
    np.testing.assert_allclose(total, np.nansum(expected), rtol=error + arithmetic.gamma(expected.size))
    for gradient in (of_total, of_distances):
        np.testing.assert_allclose(gradient, np.nansum(directions, axis=0), rtol=0, atol=slack)


@pytest.mark.clause("VQ-2.1", "VQ-2.2")
@pytest.mark.parametrize(("p", "d"), [(1.5, 3), (3, 30), (np.inf, 30)])
def test_the_first_of_equal_embeddings_is_the_nearest(p, d):
    x, emb_space = drawn(d)
    index = nearest_index(x, tf.constant(emb_space), p, route(x, emb_space)).numpy()
    distance, _ = exact(x, emb_space, p)
    expected = np.nanargmin(np.where(np.isnan(distance), np.inf, distance), axis=1)
    expected[10] = -1
    np.testing.assert_array_equal(index, expected)


@pytest.mark.clause("VQ-6.2", "VQ-7.2", "VQ-7.3", "VQ-7.4", "VQ-7.5", "VQ-15.2")
@pytest.mark.parametrize("p", ORDERS)
def test_spacings_and_their_gradient_are_within_their_rounding_errors(p):
    _, emb_space = drawn(3)
    emb_space = emb_space[:18]
    distance, directions = exact(emb_space, emb_space, p)
    np.fill_diagonal(distance, np.inf)
    spacing, gradient = pulls(lambda rows: closest_spacing(rows, p, route(rows, rows)), emb_space)
    arithmetic = rounding(np.float32)
    np.testing.assert_allclose(spacing, distance.min(axis=1), rtol=arithmetic.gamma(roundings(3, p)))
    expected = np.zeros_like(gradient, dtype=np.float64)
    for i, j in enumerate(distance.argmin(axis=1)):
        expected[i] += directions[j, i]
        expected[j] -= directions[j, i]
    steep = 0 if np.isinf(p) else p - 1
    slack = 18 * arithmetic.gamma(steep * (roundings(3, p) + 2) + steep + 8 + 18)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=slack)


@pytest.mark.clause("VQ-2.1", "VQ-7.5")
@pytest.mark.parametrize("p", [3, 40])
def test_powers_of_huge_and_of_tiny_differences_neither_overflow_nor_vanish(p):
    emb_space = np.array([[0, 0], [1e-30, 0], [0, 3e-30], [1e30, 0], [0, 3e30]], np.float32)
    x = np.array([[0, 0], [1e-30, 1e-31], [1e-31, 4e-30], [2e30, 0], [1e29, 4e30]], np.float32)
    np.testing.assert_array_equal(nearest_index(x, tf.constant(emb_space), p, route(x, emb_space)), np.arange(5))
    _, gradient = pulls(lambda embeddings: sum_of_distances(x[:1], embeddings, p, route(x[:1], embeddings)), emb_space)
    # The quotient of a difference and its own distance, p - 1 times, and its power.
    slack = rounding(np.float32).gamma((p - 1) * (roundings(2, p) + 4) + p + 5)
    np.testing.assert_allclose(gradient, np.sign(emb_space), rtol=slack)


@pytest.mark.clause("VQ-2.2")
@one_path("small")
@pytest.mark.parametrize("p", [1.1, 3, 40])
def test_equal_embeddings_tie_in_the_last_place_of_a_loop_too(p):
    rng = np.random.default_rng(2)
    vectors, embedding = (tf.constant(rng.standard_normal([number, 17]), tf.float32) for number in (5, 1))
    embeddings = tf.tile(embedding, [41, 1])  # one more than loops take at once
    for distance_of in (pairwise_distance, compiled(lambda *rows: pairwise_distance(*rows, p))):
        values = distance_of(vectors, embeddings, *([p] if distance_of is pairwise_distance else [])).numpy()
        np.testing.assert_array_equal(values, np.repeat(values[:, :1], 41, axis=1))


@pytest.mark.clause("VQ-1.1")
@one_path("small")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [1.1, 7.25, 32, 33, 1e3])
def test_any_order_from_1_on_is_a_norm(p, dtype):
    x = np.random.default_rng(3).uniform(0.5, 1, [50, 6]).astype(dtype)
    expected = cdist(x.astype(np.float64), np.zeros([1, 6]), "minkowski", p=p)[:, 0]
    # Here and in SciPy; two roundings more are the unit's.
    error = rounding(dtype).gamma(roundings(6, p) + 2)
    np.testing.assert_allclose(norm(tf.constant(x), p), expected, rtol=error)


@one_path("small")
def test_the_gradient_of_a_norm_of_any_order_refuses_to_be_differentiated():
    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            length = norm(x, 3)
        gradient = inner.gradient(length, x)
        with pytest.raises(NotImplementedError, match="have no gradients of their own"):
            outer.gradient(gradient, x)


OF_EACH_PATH = {
    "index": lambda x, emb_space, p: nearest_index(x, emb_space, p, route(x, emb_space)),
    "sum": lambda x, emb_space, p: sum_of_distances(x, emb_space, p, route(x, emb_space)),
    "distances": lambda x, emb_space, p: all_distances(x, emb_space, p, route(x, emb_space)),
    "distances among": lambda _, emb_space, p: distances_among(emb_space, p, route(emb_space, emb_space)),
    "spacing": lambda _, emb_space, p: closest_spacing(emb_space, p, route(emb_space, emb_space)),
    "norm": lambda x, _, p: norm(x, p),
    "entry": lambda *arguments: norm_of(arguments[-1]),
}


@pytest.mark.clause("VQ-16.13")
@pytest.mark.parametrize("name", OF_EACH_PATH)
@pytest.mark.parametrize("p", [0.5, 0, -1, -np.inf, np.nan])
def test_an_order_that_is_not_in_the_table_raises_on_every_path(name, p):
    x, emb_space = (tf.constant(rows) for rows in drawn(3))
    with pytest.raises(
        ValueError, match=r"`lookup_ord` must be a number from 1 on, or infinity. Received: lookup_ord="
    ):
        OF_EACH_PATH[name](x, emb_space, p)
