"""The spacing to the nearest other of many embeddings, and its gradient, by each path, against the oracle (VQ-6, VQ-7).

The embeddings take three blocks of the scan, and several chunks.
"""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from reference.distances import pairwise_distance
from reference.spacing import emb_closest_spacing
from vq_layer.kernels import compilation, tuning
from vq_layer.kernels.closest import closest_spacing
from vq_layer.kernels.route import route
from vq_layer.kernels.tuning import Tuning
from vq_layer.parts import passes
from vq_verify.comparison import assert_within, coulomb_gradient_interval, distance_error, rounding
from vq_verify.protocol import Case

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("closest")]  # on one worker, which compiles each program once

N = 37


@pytest.fixture(autouse=True, params=["plain", "compiled", pytest.param("fused", marks=pytest.mark.long)])
def _path(request, monkeypatch):
    """Force one path, in chunks."""
    monkeypatch.setattr(compilation, "_chosen", request.param)
    monkeypatch.setattr(
        tuning, "TUNING", Tuning(small=0, plain_chunk=1 << 12, fused_pairs=1 << 9, fused_step=1, laid_out=16 * 30)
    )


WEIGHTS = {"coulomb_loss": 0.5}


def exact_case(lookup_ord, d, dtype="float32"):
    """Draw from few integers: ties of many distances, duplicates in one block and in two."""
    emb_space = np.random.default_rng(0).integers(-2, 3, [N, d])
    emb_space[5], emb_space[36] = emb_space[2], emb_space[20]
    x = np.zeros([1, 1, d], dtype)
    return Case(x=x, emb_space=emb_space.astype(dtype), lookup_ord=lookup_ord, weights=WEIGHTS, exact=True)


def rounded_case(lookup_ord, d):
    emb_space = np.random.default_rng(1).standard_normal([N, d]).astype(np.float32)
    return Case(x=np.zeros([1, 1, d], np.float32), emb_space=emb_space, lookup_ord=lookup_ord, weights=WEIGHTS)


def spacing_and_gradient(case):
    """Return the spacings, and the gradient of the Coulomb-loss."""
    emb_space = tf.constant(case.emb_space)
    with tf.GradientTape() as tape:
        tape.watch(emb_space)
        spacing = closest_spacing(emb_space, case.lookup_ord, route(emb_space, emb_space))
        loss = vq_layer.parts.losses.coulomb_loss(spacing, tf.constant(case.gamma, emb_space.dtype))
    return spacing, tape.gradient(loss, emb_space)


def check(case, found):
    spacing, gradient = (tensor.numpy() for tensor in found)
    emb_space = case.emb_space.astype(np.float64)
    expected = emb_closest_spacing(pairwise_distance(emb_space, emb_space, case.lookup_ord))
    error = distance_error(expected, emb_space.shape[1], case.lookup_ord, rounding(case.x.dtype))
    assert_within(spacing, expected, error, "spacing")
    assert coulomb_gradient_interval(case).contains(gradient).all()


@pytest.mark.clause("VQ-6.2", "VQ-7.7")
@pytest.mark.parametrize(
    ("lookup_ord", "d", "dtype"),
    [(1, 3, "float32"), (2, 30, "float32"), (np.inf, 3, "float64"), (np.inf, 3, "float32")],
)
def test_the_spacings_and_their_gradient_are_those_of_the_oracle(lookup_ord, d, dtype):
    case = exact_case(lookup_ord, d, dtype)
    check(case, spacing_and_gradient(case))
    if dtype == "float32":
        case = rounded_case(lookup_ord, d)
        check(case, spacing_and_gradient(case))


@pytest.mark.clause("VQ-7.7")
@pytest.mark.parametrize("_path", ["plain"], indirect=True)
def test_all_that_tie_share_the_gradient_of_a_minimum():
    x, emb_space = np.zeros([1, 1, N], np.float32), np.eye(N, dtype=np.float32)
    case = Case(x=x, emb_space=emb_space, lookup_ord=1, weights=WEIGHTS, exact=True)
    spacing, gradient = spacing_and_gradient(case)
    np.testing.assert_array_equal(spacing, np.full(N, 2))
    assert coulomb_gradient_interval(case).contains(gradient.numpy()).all()


@pytest.mark.clause("VQ-13.24")
def test_an_embedding_that_is_not_finite_is_near_no_other():
    case = exact_case(1, 3)
    broken = np.arange(N) % 4 == 1
    case.emb_space[broken] = np.resize([np.nan, np.inf, -np.inf], [broken.sum(), 3])
    spacing, gradient = (tensor.numpy() for tensor in spacing_and_gradient(case))
    assert np.isnan(spacing[broken]).all()
    assert not gradient[broken].any()
    kept = replace(case, emb_space=case.emb_space[~broken])
    check(kept, (tf.constant(spacing[~broken]), tf.constant(gradient[~broken])))


@pytest.mark.clause("VQ-6.2", "VQ-13.24")
@pytest.mark.parametrize(
    ("_path", "others"),
    [("plain", []), ("plain", [[3, 4]]), ("plain", [[np.nan, 0]]), ("compiled", [[np.nan, 0]])],
    indirect=["_path"],
)
def test_the_only_finite_embedding_has_the_spacing_0_and_two_have_one_spacing(others):
    emb_space = np.array([[0.0, 0.0], *others], np.float32)
    spacing, gradient = spacing_and_gradient(
        Case(x=np.zeros([1, 1, 2], np.float32), emb_space=emb_space, weights={"coulomb_loss": 1})
    )
    expected, pull = {0: ([0], [[0, 0]]), 1: ([5, 5], [[1.2, 1.6], [-1.2, -1.6]])}[len(others)]
    if np.isnan(emb_space).any():
        expected, pull = [0, np.nan], np.zeros([2, 2])
    np.testing.assert_array_equal(spacing, expected)
    np.testing.assert_allclose(gradient, pull, rtol=1e-6)  # two roundings of 0.6 and 0.8


@pytest.mark.clause("VQ-6.2", "VQ-7.7")
@pytest.mark.parametrize("_path", ["compiled"], indirect=True)
def test_what_xla_compiles_as_a_whole_gives_them_too():
    case = exact_case(2, 3)
    check(case, tf.function(lambda: spacing_and_gradient(case), jit_compile=True, autograph=False)())


@pytest.mark.clause("VQ-5.5")
@pytest.mark.parametrize("_path", ["plain"], indirect=True)
def test_without_endpoints_the_loss_is_the_same_and_no_spacing_of_all_pairs_is_computed(monkeypatch):
    case = exact_case(1, 3)
    losses = []
    for return_endpoints in (True, False):
        arguments = {"comparison": "l1", "losses": vq_layer.Coulomb(0.5)}
        layer = vq_layer.presets.adversarial_2018(N, **arguments, return_endpoints=return_endpoints)
        layer.build((None, 1, 3))
        layer.emb_space.assign(case.emb_space)
        layer(tf.constant(case.x))
        losses += layer.losses
        monkeypatch.setattr(passes, "distances_among", None)
    np.testing.assert_array_equal(losses[0], losses[1])
