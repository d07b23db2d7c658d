"""Each path of a lookup and its training, forced, against the oracle: on few fixed shapes, which XLA compiles anew.

The rows take several chunks, of which the last is filled up, and the embeddings three blocks, in the scan where their
coordinates are several bundles, not one.
"""

import dataclasses
import functools

import numpy as np
import pytest

from tests.parity import test_parts as parts
from tests.parity import test_vector_quantization as parity
from tests.property import test_lookup, test_non_finite
from vq_layer.kernels import compilation, tuning
from vq_layer.kernels.tuning import Tuning
from vq_verify.adapters.graph import GraphFunctions
from vq_verify.adapters.keras_layers import KerasLayers
from vq_verify.protocol import Case

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]  # on one worker, which compiles each program once

N, BATCH, R = 37, 29, 3
KERAS = KerasLayers()


class Whole(KerasLayers):
    """Compiles once for both checks."""

    quantize = functools.cache(KerasLayers.quantize)


@pytest.fixture(autouse=True, params=["plain", "compiled", pytest.param("fused", marks=pytest.mark.long)])
def _path(request, monkeypatch):
    """Force one path, in chunks; with small strips and bundles, since XLA takes long where it unrolls much."""
    monkeypatch.setattr(compilation, "_chosen", request.param)
    chunks = {
        "small": 0,
        "plain_chunk": 1 << 12,
        "most_rows": 64,
        "few_rows": 16,
        "fused_pairs": 1 << 12,
        "fused_step": 1,
    }
    tuned = Tuning(**chunks, product_block=16, laid_out=16 * 30, strip=4, bundle=3)
    monkeypatch.setattr(tuning, "TUNING", tuned)


def exact_case(lookup_ord, d, dtype="float32"):
    """Draw from few integers: exact ties, duplicate embeddings, inputs equal to embeddings, zero vectors."""
    rng = np.random.default_rng(0)
    x, emb_space = rng.integers(-2, 3, [BATCH, R, 2 * d]), rng.integers(-2, 3, [N, d])
    emb_space[5], emb_space[36], emb_space[7], x[0] = emb_space[2], emb_space[20], 0, 0
    x[1:13] = np.resize(emb_space, [12, R, 2 * d])
    wide = "float64" if dtype == "float64" else "float32"
    return Case(x=x.astype(dtype), emb_space=emb_space.astype(wide), lookup_ord=lookup_ord, num_splits=2, exact=True)


def rounded_case(lookup_ord, d):
    """Draw far from the origin, where differences are small beside the numbers; some inputs equal an embedding."""
    rng = np.random.default_rng(1)
    emb_space = (100 + 0.01 * rng.standard_normal([N, d])).astype(np.float32)
    x = (100 + 0.01 * rng.standard_normal([BATCH, R, 2 * d])).astype(np.float32)
    x[:6] = np.resize(emb_space, [6, R, 2 * d])
    return Case(x=x, emb_space=emb_space, lookup_ord=lookup_ord, num_splits=2)


@pytest.mark.clause(
    "VQ-2.1",
    "VQ-2.3",
    "VQ-2.5",
    "VQ-4.1",
    "VQ-5.3",
    "VQ-5.4",
    "VQ-5.5",
    "VQ-7.2",
    "VQ-7.3",
    "VQ-7.4",
    "VQ-14.2",
    "VQ-15.10",
)
@pytest.mark.parametrize(
    ("lookup_ord", "d", "dtype"),
    [(1, 3, "float16"), (2, 30, "float32"), (np.inf, 3, "float64")],
)
def test_exact_inputs_give_the_oracles_endpoints_bit_for_bit(lookup_ord, d, dtype):
    case = exact_case(lookup_ord, d, dtype)
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(KERAS, case)
    parity.test_losses_are_within_their_rounding_errors.check(KERAS, case)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(KERAS, case)


@pytest.mark.clause(
    "VQ-2.1",
    "VQ-2.5",
    "VQ-5.3",
    "VQ-5.4",
    "VQ-5.5",
    "VQ-7.2",
    "VQ-7.3",
    "VQ-7.4",
    "VQ-15.1",
    "VQ-15.2",
    "VQ-15.3",
    "VQ-15.4",
)
@pytest.mark.parametrize(("lookup_ord", "d"), [(1, 3), (2, 30), (np.inf, 3)])
def test_rounded_inputs_stay_within_their_errors(lookup_ord, d):
    case = rounded_case(lookup_ord, d)
    parity.test_each_index_is_nearest_within_rounding.check(KERAS, case)
    parity.test_losses_are_within_their_rounding_errors.check(KERAS, case)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(KERAS, case)
    test_lookup.test_each_output_piece_is_the_indexed_row_bit_for_bit.check(KERAS, case)


@pytest.mark.clause("VQ-2.1", "VQ-2.3", "VQ-2.5", "VQ-7.3", "VQ-7.7", "VQ-15.10")
def test_a_graph_of_unknown_batch_gives_the_oracles_endpoints_and_gradients():
    case, graphs = exact_case(2, 3), GraphFunctions(compilation.get_compilation())
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(graphs, case)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(graphs, case)


@pytest.mark.clause("VQ-2.1", "VQ-2.3", "VQ-2.5", "VQ-7.3", "VQ-7.7", "VQ-15.10")
@pytest.mark.parametrize("_path", ["compiled"], indirect=True)
def test_what_xla_compiles_as_a_whole_gives_the_oracles_endpoints_and_gradients():
    case, whole = exact_case(2, 3), Whole(compiled=True)
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(whole, case)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(whole, case)


@pytest.mark.clause("VQ-2.5", "VQ-15.3")
@pytest.mark.parametrize("centres", [[100], [100, -1000]])
def test_all_of_256_inputs_that_equal_rows_far_from_the_origin_find_them(centres):
    noise = 0.01 * np.random.default_rng(2).standard_normal([256, 30])
    emb_space = (np.resize(centres, [256, 1]) + noise).astype(np.float32)
    result = KERAS.quantize(Case(x=emb_space[:, np.newaxis], emb_space=emb_space))
    np.testing.assert_array_equal(result.emb_index[:, 0], np.arange(256))
    np.testing.assert_array_equal(result.layer_out[:, 0], emb_space)


@pytest.mark.clause("VQ-18.1", "VQ-18.3", "VQ-21.3", "VQ-21.6", "VQ-21.7", "VQ-21.10", "VQ-21.11")
def test_with_a_mask_and_all_losses_the_oracles_endpoints_come_out():
    case = exact_case(2, 3)
    mask = np.arange(BATCH * R).reshape(BATCH, R) % 7 != 2
    case = dataclasses.replace(case, mask=mask).weighted(codebook_loss=1.0, commitment_loss=0.25)
    parts.assert_equal_to_the_oracle(KERAS, case)


@pytest.mark.clause("VQ-13.2", "VQ-13.3", "VQ-13.16", "VQ-13.22")
@pytest.mark.parametrize(("lookup_ord", "d"), [(1, 3), (2, 30), (np.inf, 3)])
def test_what_is_not_finite_stays_where_it_is(lookup_ord, d):
    case = exact_case(lookup_ord, d)
    at = np.arange(0, len(case.vectors), 5)
    values = np.resize([np.nan, np.inf, -np.inf], len(at))
    interrupted = case.x.reshape(-1, d).copy()
    interrupted[at, at % d] = values
    whole = KERAS.quantize(case)
    result = KERAS.quantize(dataclasses.replace(case, x=interrupted.reshape(case.x.shape)))
    expected = whole.emb_index.reshape(-1).copy()
    expected[at] = -1
    np.testing.assert_array_equal(result.emb_index.reshape(-1), expected)
    assert np.isnan(result.layer_out.reshape(-1, d)[at]).all()
    kept = np.arange(N) % 4 != 1
    drawn = case, kept
    test_non_finite.test_an_embedding_that_is_not_finite_is_never_chosen_and_takes_no_part.check(KERAS, drawn)
    test_non_finite.test_an_embedding_that_is_not_finite_gets_no_gradient_and_changes_none.check(KERAS, drawn)


@pytest.mark.clause("VQ-15.5")
@pytest.mark.parametrize(("lookup_ord", "d"), [(1, 3), (2, 30), (np.inf, 3)])
def test_where_all_distances_overflow_the_first_finite_embedding_is_chosen(lookup_ord, d):
    emb_space = np.full([N, d], 3e38, np.float32)
    emb_space[:4] = np.nan
    result = KERAS.quantize(
        Case(
            x=np.full([1, 1, d], -3e38, np.float32),
            emb_space=emb_space,
            lookup_ord=lookup_ord,
            weights={"alpha_loss": 0.1},
        )
    )
    assert result.emb_index.tolist() == [[4]]


@pytest.mark.clause("VQ-2.4", "VQ-5.11")
def test_an_empty_batch_gives_an_empty_output_and_no_loss():
    case = exact_case(2, 3)
    result = KERAS.quantize(dataclasses.replace(case, x=case.x[:0]))
    assert result.layer_out.shape == (0, R, 6)
    assert result.losses["beta_loss"] == 0
