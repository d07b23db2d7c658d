"""Sizes of every day against the oracle: of each, one more than an implementation may handle or count at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reference.parts.replacement import DeadCodes
from reference.parts.updates import MovingAverage
from vq_verify.adapters.oracle import Oracle
from vq_verify.cases import LOSSES
from vq_verify.comparison import assert_within
from vq_verify.offers import offered
from vq_verify.protocol import Case, Implementation
from vq_verify.strategies import everyday
from vq_verify.strategies.everyday import COSINE_SIZES, MORE_EMBEDDINGS, SIZES, Sizes

from ..property import test_cosine as cosine_laws
from ..property import test_finite_scalar as scalar_laws
from ..property import test_masks as masks
from ..property import test_passes as passes
from ..property import test_per_split as per_split
from ..property import test_starts as starts
from . import test_cosine as cosine
from . import test_finite_scalar as scalar
from . import test_learning as learning
from . import test_parts as parts
from . import test_residual as residual
from . import test_vector_quantization as parity

HALF = ("float16", "bfloat16")  # of which the one cannot count beyond 2,048, the other not beyond 256


def of_dtypes(sizes: Iterable[str], **dtypes: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names of sizes, each with the dtypes in which it is tried: float32, unless others are given."""
    return [(size, dtype) for size in sizes for dtype in dtypes.get(size, ("float32",))]


def weighted(implementation: Implementation, case: Case) -> Case:
    """Return the case with all losses that are offered."""
    return replace(case, weights=dict.fromkeys(offered(implementation, "losses", LOSSES), 0.5))


@pytest.mark.clause(
    "VQ-1.1",
    "VQ-1.2",
    "VQ-1.3",
    "VQ-1.4",
    "VQ-2.1",
    "VQ-2.3",
    "VQ-2.5",
    "VQ-4.1",
    "VQ-4.2",
    "VQ-6.1",
    "VQ-6.2",
    "VQ-15.10",
    "VQ-5.3",
    "VQ-5.4",
    "VQ-5.5",
    "VQ-7.2",
    "VQ-7.3",
    "VQ-7.4",
    "VQ-15.2",
    "VQ-18.1",
    "VQ-18.2",
    "VQ-18.3",
)
@pytest.mark.parametrize(
    ("size", "dtype", "lookup_ord"),
    [
        *(("coordinates", "float32", order) for order in (1, 2, np.inf)),
        *(("embeddings", "float32", order) for order in (1, 2)),
        *(("vectors", *each) for each in (("float32", np.inf), ("float16", 1), ("bfloat16", 2))),
        ("more coordinates", "float32", 2),
        ("splits", "float32", 2),
    ],
)
def test_every_size_is_quantized_bit_for_bit_with_the_losses_and_gradients_of_all(
    implementation: Implementation, size: str, dtype: str, lookup_ord: float
) -> None:
    case = weighted(implementation, everyday.exact_case(SIZES[size], lookup_ord, dtype))
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(implementation, case)
    parity.test_losses_are_within_their_rounding_errors.check(implementation, case)
    parity.test_gradients_to_the_embeddings_lie_in_the_oracles_subdifferential.check(implementation, case)


@pytest.mark.clause("VQ-2.1", "VQ-2.3", "VQ-4.1", "VQ-6.1", "VQ-6.2", "VQ-15.10")
def test_more_embeddings_are_told_apart_bit_for_bit(implementation: Implementation) -> None:
    case = replace(everyday.exact_case(MORE_EMBEDDINGS), weights={})
    parity.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(implementation, case)


@pytest.mark.clause("VQ-13.29")
def test_more_embeddings_are_decoded(implementation: Implementation) -> None:
    case = replace(everyday.exact_case(MORE_EMBEDDINGS, dtype="float16"), weights={})
    emb_index = np.arange(MORE_EMBEDDINGS.n - 1).reshape(-1, case.num_splits)
    rows = case.emb_space.astype(case.x.dtype)[emb_index].reshape(len(emb_index), -1)
    np.testing.assert_array_equal(implementation.decode(case, emb_index), rows)


@pytest.mark.clause("VQ-1.1", "VQ-2.1", "VQ-6.2", "VQ-15.1", "VQ-15.2")
@pytest.mark.parametrize("size", ["coordinates", "embeddings"])
def test_under_a_norm_of_another_order_every_size_is_quantized_within_rounding(
    implementation: Implementation, size: str
) -> None:
    case = replace(everyday.exact_case(SIZES[size], lookup_ord=3), weights={}, exact=False)
    parity.test_distances_are_within_their_rounding_errors.check(implementation, case)
    parity.test_each_index_is_nearest_within_rounding.check(implementation, case)


@pytest.mark.clause("VQ-21.1", "VQ-21.3", "VQ-21.4", "VQ-21.5", "VQ-21.10", "VQ-21.11", "VQ-21.12")
@pytest.mark.parametrize(("size", "dtype"), of_dtypes(["vectors", "splits"], vectors=("float16",)))
def test_every_size_is_masked(implementation: Implementation, size: str, dtype: str) -> None:
    drawn = everyday.masked_case(SIZES[size], dtype)
    drawn = drawn._replace(**{name: weighted(implementation, getattr(drawn, name)) for name in ("case", "masked")})
    parts.test_with_a_mask_every_endpoint_equals_the_oracle.check(implementation, drawn)
    masks.test_a_masked_vector_passes_its_gradient_on_and_gets_none_from_a_loss.check(implementation, drawn)


@pytest.mark.clause("VQ-20.2", "VQ-20.3", "VQ-20.4", "VQ-20.5")
def test_more_than_a_few_splits_have_a_codebook_each(implementation: Implementation) -> None:
    case = weighted(implementation, everyday.per_split_case(SIZES["splits"]._replace(num_splits=9)))
    parts.test_with_a_codebook_per_split_every_endpoint_equals_the_oracle.check(implementation, case)
    per_split.test_its_gradients_are_those_of_the_quantizers_bit_for_bit.check(implementation, case)


@pytest.mark.clause(
    "VQ-9.1",
    "VQ-9.4",
    "VQ-9.5",
    "VQ-9.6",
    "VQ-10.1",
    "VQ-10.2",
    "VQ-10.3",
    "VQ-10.4",
    "VQ-10.5",
    "VQ-10.7",
    "VQ-10.8",
    "VQ-10.11",
    "VQ-10.12",
)
@pytest.mark.parametrize(
    ("size", "dtype", "vote"),
    [
        *((size, "float32", vote) for size in COSINE_SIZES for vote in (False, True)),
        *[("vectors", "float16", True), ("embeddings", "bfloat16", True)],
    ],
)
def test_every_size_is_compared_by_cosine_bit_for_bit(
    implementation: Implementation, size: str, dtype: str, vote: bool
) -> None:
    case = everyday.exact_cosine_case(COSINE_SIZES[size], vote, dtype)
    cosine.test_on_exact_inputs_every_endpoint_equals_the_oracle_bit_for_bit.check(implementation, case)
    upstream = (np.arange(case.x.size) % 5 + 1).reshape(case.x.shape).astype(case.x.dtype)
    law = cosine_laws.test_the_gradient_is_the_identity_where_x_is_mapped_to_itself_and_zero_elsewhere
    law.check(implementation, (case, upstream))


# Sizes of trainings; a third of the embeddings is replaced, or more than half of them.
TRAINED = {
    "embeddings": (Sizes(n=331, d=17, batch=25, r=3, num_splits=2), 200),
    "vectors": (Sizes(13, 5, 1500, 1, 3), 9),
}


def assert_same_states(trained, expected):
    """Compare the whole state with that of the oracle, which the dtype holds exactly."""
    state = trained.state
    for name, value in expected.state.items():
        np.testing.assert_array_equal(state[name], value.astype(state[name].dtype), err_msg=name)


@pytest.mark.clause("VQ-11.2", "VQ-11.3", "VQ-11.4", "VQ-11.6", "VQ-11.7", "VQ-11.8", "VQ-11.9", "VQ-14.5")
@pytest.mark.parametrize(("size", "dtype"), of_dtypes(TRAINED, vectors=("float32", "bfloat16")))
def test_every_size_is_replaced_as_in_the_oracle(implementation: Implementation, size: str, dtype: str) -> None:
    sizes, number = TRAINED[size]
    case, steps = everyday.trainings(sizes, dtype)
    trained, expected = (it.training(case, number) for it in (implementation, Oracle()))
    for step in (*steps, *steps[:1]):
        for training in (trained, expected):
            passes.take(training, step)
        assert_same_states(trained, expected)
        if step is steps[1]:
            trained.save_and_load()
            for training in (trained, expected):
                training.replace_embeds()
            assert_same_states(trained, expected)


@pytest.mark.clause("VQ-24.1", "VQ-24.2", "VQ-24.3", "VQ-24.4")
@pytest.mark.parametrize(("size", "dtype"), of_dtypes(TRAINED, vectors=("float32", "bfloat16")))
def test_every_size_is_averaged_as_in_the_oracle(implementation: Implementation, size: str, dtype: str) -> None:
    case, steps = everyday.trainings(TRAINED[size][0], dtype)
    case = replace(case, update=MovingAverage(0.75, 2.0**-10))
    learning.test_the_first_averages_are_those_of_the_oracle.check(implementation, (case, steps[:1]))


@pytest.mark.clause("VQ-26.1", "VQ-26.4", "VQ-26.5", "VQ-26.6", "VQ-26.7", "VQ-26.10")
@pytest.mark.parametrize(("size", "dtype"), of_dtypes(TRAINED, vectors=("float32", "bfloat16")))
def test_dead_codes_of_every_size_are_as_in_the_oracle(implementation: Implementation, size: str, dtype: str) -> None:
    sizes, number = TRAINED[size]
    case, steps = everyday.trainings(sizes, dtype)
    case = replace(case, replacement=DeadCodes(0.37, 0.0, "most-distant", number, every=1))
    learning.test_dead_codes_become_the_most_distant_vectors_as_in_the_oracle.check(implementation, (case, steps))


@pytest.mark.clause("VQ-25.1", "VQ-25.2", "VQ-25.3", "VQ-25.5")
@pytest.mark.parametrize("method", ["sample", "k-means"])
def test_more_than_a_few_embeddings_start_from_vectors(implementation: Implementation, method: str) -> None:
    if method == "k-means":
        law, n = starts.test_k_means_of_no_more_distinct_vectors_than_embeddings_are_these, 29
    else:
        law, n = starts.test_a_sample_takes_vectors_that_count_all_of_them_equally_often, 521
    law.check(implementation, everyday.starting(Sizes(n, d=3, batch=300, num_splits=2), method, n - 7))


def numbered(number: int) -> Case:
    """Return a case of so many vectors, each of which is its place in the batch."""
    x = np.arange(float(number)).reshape(number, 1, 1).astype(np.float32)
    return Case(x=x, emb_space=np.full((100, 1), -8.0, np.float32), weights={})


@pytest.mark.clause("VQ-25.1", "VQ-26.8")
@pytest.mark.parametrize(
    "how", [{"start": "sample"}, {"replacement": DeadCodes(0.5, 0.0, number=99)}], ids=["start", "dead codes"]
)
def test_what_is_drawn_is_of_all_parts_of_a_batch(implementation: Implementation, how: dict[str, Any]) -> None:
    case = replace(numbered(4201), **how)
    trained = implementation.training(case, 1)
    trained.training_pass(case.x)
    drawn = trained.state["emb_space"][trained.state["emb_space"] >= 0]
    assert len(drawn) >= 99
    # That no one of so many is in a tenth at the beginning or the end is seen once in 10^4 implementations.
    assert drawn.min() < 420
    assert drawn.max() > 3780


@pytest.mark.clause("VQ-25.4")
@pytest.mark.parametrize("dtype", HALF)
def test_one_mean_is_that_of_more_vectors_than_half_types_can_add_up(
    implementation: Implementation, dtype: str
) -> None:
    x = (np.arange(4201) % 8).reshape(4201, 1, 1).astype(dtype)
    case = Case(x=x, emb_space=np.zeros((1, 1), np.float32), weights={}, start="k-means")
    trained = implementation.training(case, 1)
    trained.training_pass(x)
    exact = x.astype(np.float64).mean(axis=0)
    # Float32 adds these up without rounding; a quotient, and what a step adds to the centre before, round a few times.
    assert_within(trained.state["emb_space"], exact, 16 * 2.0**-24 * exact, "emb_space")


# Sizes of residual quantization, how many stages there are, and the dtype.
STAGED = {
    "many stages": (Sizes(n=61, d=17, batch=5, r=3, num_splits=2), 9, "float32"),
    "many vectors": (SIZES["vectors"], 2, "bfloat16"),
}


@pytest.mark.clause("VQ-28.1", "VQ-28.2", "VQ-28.3", "VQ-28.5", "VQ-28.16", "VQ-28.17")
@pytest.mark.parametrize(("sizes", "number", "dtype"), STAGED.values(), ids=STAGED)
def test_every_size_is_quantized_in_stages_as_in_the_oracle(
    implementation: Implementation, sizes: Sizes, number: int, dtype: str
) -> None:
    case = everyday.stages(sizes, number, dtype)
    case = replace(case, case=weighted(implementation, case.case))
    residual.assert_equal_to_the_oracle(implementation, case)
    codes = implementation.encode_residual(case, number)
    np.testing.assert_array_equal(codes, Oracle().encode_residual(case, number))
    np.testing.assert_array_equal(implementation.decode_residual(case, codes), Oracle().decode_residual(case, codes))


GRIDS = {
    "many coordinates": ((2, 3, 4, 5) * 5, 37, "float32"),
    "many indices": ((16, 16, 16, 17), 1, "float32"),
    **{f"many vectors in {dtype}": ((8, 8, 6), 1, dtype) for dtype in HALF},
}


@pytest.mark.clause("VQ-29.4", "VQ-29.6", "VQ-29.8", "VQ-29.12", "VQ-29.14", "VQ-29.15", "VQ-29.17", "VQ-29.19")
@pytest.mark.parametrize(("levels", "num_splits", "dtype"), GRIDS.values(), ids=GRIDS)
def test_every_size_is_rounded_to_a_grid_as_in_the_oracle(
    implementation: Implementation, levels: tuple[int, ...], num_splits: int, dtype: str
) -> None:
    drawn = everyday.clear_grid(levels, 4800 // num_splits, num_splits, dtype)
    if not offered(implementation, "masks", ["x"]):
        drawn = drawn._replace(case=replace(drawn.case, mask=None), counted=np.ones_like(drawn.counted))
    scalar.test_in_the_middle_of_levels_every_endpoint_equals_the_oracle.check(implementation, drawn)
    law = scalar_laws.test_vectors_that_are_masked_or_not_finite_come_out_alone_and_change_no_other
    law.check(implementation, drawn)
    law = scalar.test_gradients_pass_the_rounding_and_the_bound_within_their_errors
    law.check(implementation, (replace(drawn.case, mask=None), np.ones_like(drawn.case.x)))
