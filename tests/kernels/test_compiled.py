"""The Keras layers through XLA, which `fit` uses by itself: the same checks, on a few fixed shapes."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.parity import test_finite_scalar as scalar_parity
from tests.parity import test_parts as parts
from tests.parity import test_residual as residual
from tests.parity import test_vector_quantization as parity
from tests.property import test_finite_scalar as scalar_laws
from tests.property import test_lookup
from vq_layer.kernels.compilation import compiled
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.similarity import cosine_similarity
from vq_verify.adapters.keras_layers import KerasLayers
from vq_verify.protocol import Case, ResidualCase, ScalarCase

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compiled")]  # on one worker, which compiles each program once


class Compiled(KerasLayers):
    """Compiles once for all checks of one case."""

    quantize = functools.cache(KerasLayers.quantize)


COMPILED = Compiled(compiled=True)


def exact_case(lookup_ord, dtype="float32"):
    """Draw from few integers: exact ties, duplicate embeddings, inputs equal to embeddings, zero vectors."""
    rng = np.random.default_rng(0)
    x, emb_space = rng.integers(-2, 3, [3, 4, 6]), rng.integers(-2, 3, [9, 3])
    emb_space[5], emb_space[7], x[0] = emb_space[2], 0, 0
    wide = "float64" if dtype == "float64" else "float32"
    return Case(x=x.astype(dtype), emb_space=emb_space.astype(wide), lookup_ord=lookup_ord, num_splits=2, exact=True)


def rounded_case(lookup_ord):
    """Draw far from the origin, where differences are small beside the numbers."""
    rng = np.random.default_rng(1)
    emb_space = (100 + 0.01 * rng.standard_normal([16, 8])).astype(np.float32)
    x = (100 + 0.01 * rng.standard_normal([4, 5, 8])).astype(np.float32)
    x[0, 0] = emb_space[3]
    return Case(x=x, emb_space=emb_space, lookup_ord=lookup_ord)


@pytest.mark.clause("VQ-2.1", "VQ-2.3", "VQ-2.5", "VQ-4.1", "VQ-15.10")
@pytest.mark.parametrize(
    ("lookup_ord", "dtype"), [(1, "float32"), (2, "float32"), (np.inf, "float32"), (2, "float64"), (1, "float16")]
)
def test_exact_inputs_give_the_oracles_endpoints_bit_for_bit(lookup_ord, dtype):
    case = exact_case(lookup_ord, dtype)
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(COMPILED, case)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-15.1", "VQ-15.2", "VQ-15.3")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf, 3])
def test_rounded_inputs_stay_within_their_errors(lookup_ord):
    case = rounded_case(lookup_ord)
    parity.test_distances_are_within_their_rounding_errors.check(COMPILED, case)
    parity.test_each_index_is_nearest_within_rounding.check(COMPILED, case)
    parity.test_losses_are_within_their_rounding_errors.check(COMPILED, case)
    test_lookup.test_no_other_row_is_nearer.check(COMPILED, case)


@pytest.mark.clause("VQ-5.3", "VQ-5.4", "VQ-5.5", "VQ-7.2", "VQ-7.3", "VQ-7.4", "VQ-7.7", "VQ-15.4")
@pytest.mark.parametrize("lookup_ord", [1, 2, np.inf])
@pytest.mark.parametrize("make_case", [exact_case, rounded_case])
def test_gradients_lie_in_the_oracles_subdifferential(make_case, lookup_ord):
    case = make_case(lookup_ord)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(COMPILED, case)


@pytest.mark.clause(
    "VQ-18.1", "VQ-18.3", "VQ-20.2", "VQ-20.3", "VQ-20.5", "VQ-21.3", "VQ-21.6", "VQ-21.7", "VQ-21.10", "VQ-21.11"
)
def test_a_mask_and_codebooks_per_split_give_the_oracles_endpoints_and_losses():
    case = exact_case(2)
    mask = np.arange(12).reshape(3, 4) % 5 != 1
    weights = {"alpha_loss": 0.1, "codebook_loss": 1.0, "commitment_loss": 0.25}
    emb_space = np.stack([case.emb_space, case.emb_space[::-1]])
    case = dataclasses.replace(case, mask=mask, weights=weights, emb_space=emb_space, codebooks="per-split")
    parts.assert_equal_to_the_oracle(COMPILED, case)


@pytest.mark.clause("VQ-29.1", "VQ-29.2", "VQ-29.3", "VQ-29.4", "VQ-29.6", "VQ-29.11", "VQ-29.12", "VQ-29.19")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_bounds_levels_and_gradients_of_a_grid_stay_within_their_errors(dtype):
    rng = np.random.default_rng(3)
    case = ScalarCase(x=rng.normal(size=(4, 5, 6)).astype(dtype), levels=(255, 8, 5), num_splits=2)
    scalar_parity.test_each_level_is_nearest_to_its_bound_within_rounding.check(COMPILED, case)
    scalar_laws.test_what_comes_out_is_the_grid_point_of_the_index_and_decoding_gives_it_again.check(COMPILED, case)
    upstream = rng.integers(-3, 4, case.x.shape).astype(dtype)
    scalar_parity.test_gradients_pass_the_rounding_and_the_bound_within_their_errors.check(COMPILED, (case, upstream))


@pytest.mark.clause("VQ-28.1", "VQ-28.2", "VQ-28.5", "VQ-28.15")
def test_stages_give_the_oracles_endpoints_and_losses():
    case = exact_case(2, "float16")
    mask = np.arange(12).reshape(3, 4) % 5 != 1
    case = dataclasses.replace(case, mask=mask, weights={"codebook_loss": 1.0, "commitment_loss": 0.25})
    emb_spaces = np.stack([case.emb_space, case.emb_space[::-1] / 2])
    residual.assert_equal_to_the_oracle(COMPILED, ResidualCase(case=case, emb_spaces=emb_spaces, order=(0, 1, 0)))


@pytest.mark.clause("VQ-2.2", "VQ-9.5")
@pytest.mark.parametrize("distance_of", [lambda *rows: pairwise_distance(*rows, 2), cosine_similarity])
def test_equal_embeddings_tie_in_the_last_place_of_a_loop_too(distance_of):
    rng = np.random.default_rng(2)
    vectors, embedding = (tf.constant(rng.standard_normal([number, 17]), tf.float32) for number in (5, 1))
    values = compiled(distance_of)(vectors, tf.tile(embedding, [41, 1])).numpy()  # one more than loops take at once
    np.testing.assert_array_equal(values, np.repeat(values[:, :1], 41, axis=1))
