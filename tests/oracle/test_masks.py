"""The oracle's masks: a masked vector comes out as it is, and is otherwise as if it were not there."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import (
    PCA,
    Alpha,
    Beta,
    Codebook,
    Commitment,
    Cosine,
    Coulomb,
    FromBatch,
    Majority,
    MostDistant,
    NoGradient,
    Norm,
    Quantizer,
    StraightThrough,
    initial_state,
    quantize,
)
from reference.quantizer import gradients
from tests.oracle.cases import Case, cases
from tests.oracle.rounding import values

LOSSES = (Alpha(0.5), Beta(0.75), Coulomb(4.0), Codebook(), Commitment())
PARTS: list[dict[str, Any]] = [
    {"comparison": Norm(1), "losses": LOSSES, "replacement": MostDistant(1)},
    {"comparison": Cosine(), "losses": (Codebook(), Commitment()), "estimator": NoGradient()},
]
E = np.array([[0.0, 0.0], [4.0, 4.0]])


@st.composite
def masked(draw: st.DrawFn) -> tuple[Case, np.ndarray]:
    case = draw(cases(finite=False))
    batch, r = case.x.shape[:2]
    drawn = draw(st.lists(st.booleans(), min_size=batch * r, max_size=batch * r))
    return case, np.array(drawn, bool).reshape(batch, r)


@pytest.mark.clause("VQ-21.5", "VQ-21.10", "VQ-21.11", "VQ-21.14")
@pytest.mark.parametrize("parts", PARTS, ids=["norm", "cosine"])
@given(drawn=masked())
def test_what_is_not_masked_comes_out_as_if_nothing_else_were_there(
    drawn: tuple[Case, np.ndarray], parts: dict[str, Any]
) -> None:
    case, mask = drawn
    quantizer = Quantizer(**parts, num_splits=case.num_splits)
    state = initial_state(case.emb_space, quantizer)
    alone = case.x[mask][np.newaxis]  # one element of the batch with the rows that are left
    found, expected = (
        quantize(case.x, state, quantizer, mask, training=True),
        quantize(alone, state, quantizer, training=True),
    )
    counted = np.repeat(mask, case.num_splits, axis=-1)
    assert found.losses == expected.losses
    np.testing.assert_array_equal(found.layer_out[mask][np.newaxis], expected.layer_out)
    for name in ("emb_index", "distance", "similarity"):
        if getattr(found, name) is not None:
            np.testing.assert_array_equal(getattr(found, name)[counted][np.newaxis], getattr(expected, name))
    for name in ("access_count", "emb_spacing", "emb_closest_spacing", "percentage_identity_mapped"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name, value in expected.state.items():
        np.testing.assert_array_equal(found.state[name], value)


@pytest.mark.clause("VQ-21.4", "VQ-21.5", "VQ-21.12")
@pytest.mark.parametrize("parts", PARTS, ids=["norm", "cosine"])
@given(drawn=masked())
def test_gradients_are_those_of_what_is_not_masked(drawn: tuple[Case, np.ndarray], parts: dict[str, Any]) -> None:
    case, mask = drawn
    quantizer = Quantizer(**{**parts, "replacement": None}, num_splits=case.num_splits)
    state, upstream = {"emb_space": case.emb_space}, np.arange(case.x.size).reshape(case.x.shape) / 8
    found = gradients(case.x, state, quantizer, upstream, mask)
    alone = gradients(case.x[mask][np.newaxis], state, quantizer, upstream[mask][np.newaxis])
    np.testing.assert_array_equal(found.output_to_x[mask][np.newaxis], alone.output_to_x)
    np.testing.assert_array_equal(found.output_to_x[~mask], upstream[~mask])
    for name, gradient in alone.losses_to_emb_space.items():
        np.testing.assert_array_equal(found.losses_to_emb_space[name], gradient)
        np.testing.assert_array_equal(found.losses_to_x[name][mask][np.newaxis], alone.losses_to_x[name])
        assert not found.losses_to_x[name][~mask].any()


@pytest.mark.clause("VQ-21.3", "VQ-21.6", "VQ-21.7")
@given(drawn=masked())
def test_a_masked_vector_comes_out_as_it_is_and_is_marked_everywhere(drawn: tuple[Case, np.ndarray]) -> None:
    case, mask = drawn
    quantizer = Quantizer(num_splits=case.num_splits)
    result = quantize(case.x, {"emb_space": case.emb_space}, quantizer, mask)
    masked_vectors = ~np.repeat(mask, case.num_splits, axis=-1)
    assert result.layer_out[~mask].tobytes() == case.x[~mask].tobytes()
    assert (result.emb_index[masked_vectors] == -1).all()
    assert np.isnan(result.distance[masked_vectors]).all()


@pytest.mark.clause("VQ-19.4", "VQ-21.3", "VQ-21.4", "VQ-21.7", "VQ-21.8", "VQ-21.9")
@pytest.mark.parametrize("estimator", [StraightThrough(), NoGradient()])
def test_a_vote_passes_over_what_is_masked(estimator: Any) -> None:
    # Both labels get one vote of two: what is not masked is mapped to itself.
    quantizer = Quantizer(Cosine(), Majority(np.array([3, 5]), 6, 2, majority_threshold=1), estimator=estimator)
    x, state = np.array([[[1.0, 0.0], [-0.0, np.nan]], [[0.0, 1.0], [2.0, 2.0]]]), {"emb_space": np.eye(2)}
    mask = np.array([[True, False], [False, False]])
    result = quantize(x, state, quantizer, mask)
    assert result.identity_mapping_mask.tolist() == mask.tolist()
    assert result.percentage_identity_mapped == 1
    assert result.most_common_label.tolist() == [[3, -1], [-1, -1]]
    assert result.emb_index.tolist() == [[0, -1], [-1, -1]]
    assert values(result.similarity) == [[[1, 0], [None, None]], [[None, None]] * 2]
    assert values(result.similarity_values) == [1, None, None, None]
    assert result.layer_out.tobytes() == x.tobytes()
    assert gradients(x, state, quantizer, np.ones_like(x), mask).output_to_x.tolist() == np.ones_like(x).tolist()


@pytest.mark.clause("VQ-21.1")
def test_a_mask_may_be_of_the_first_axes_only() -> None:
    x, state = np.arange(8.0).reshape(2, 2, 2), {"emb_space": E}
    of_batch, of_rows = (
        quantize(x, state, Quantizer(), mask)
        for mask in (np.array([False, True]), np.array([[False, False], [True, True]]))
    )
    assert of_batch.emb_index.tolist() == of_rows.emb_index.tolist() == [[-1, -1], [1, 1]]


@pytest.mark.clause("VQ-21.16")
@pytest.mark.parametrize("mask", [np.ones((2, 3), bool), np.ones(2, bool), None], ids=["rows", "batch", "none"])
def test_a_mask_that_is_true_everywhere_changes_nothing(mask: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 2))
    quantizer = Quantizer(losses=LOSSES)
    found, expected = (quantize(x, {"emb_space": E}, quantizer, it) for it in (mask, np.ones((2, 3), bool)))
    assert found.layer_out.tobytes() == expected.layer_out.tobytes()
    assert found.losses == expected.losses


@pytest.mark.clause("VQ-21.17")
def test_where_all_is_masked_the_losses_are_those_of_an_empty_batch() -> None:
    quantizer = Quantizer(losses=LOSSES)
    none_counted = quantize(np.ones((2, 1, 2)), {"emb_space": E}, quantizer, np.zeros(2, bool))
    assert none_counted.losses == quantize(np.empty((0, 1, 2)), {"emb_space": E}, quantizer).losses
    assert none_counted.access_count.tolist() == [0, 0]


@pytest.mark.clause("VQ-21.15")
def test_a_start_takes_the_first_vectors_that_are_not_masked() -> None:
    quantizer = Quantizer(start=FromBatch())
    state = initial_state(np.zeros((2, 1)), quantizer)
    x, mask = np.array([[[np.nan], [1.0]], [[2.0], [3.0]]]), np.array([[False, True], [False, True]])
    assert quantize(x, state, quantizer, mask, training=True).state["emb_space"].tolist() == [[1], [3]]
    with pytest.raises(ValueError, match=r"^the first n=2 vectors of `x` must be finite"):
        quantize(x, state, quantizer, np.array([[True, True], [False, True]]), training=True)
    with pytest.raises(ValueError, match=r"^`x` must hold at least n=2 vectors"):
        quantize(x, state, quantizer, np.array([[False, True], [False, False]]), training=True)


@pytest.mark.clause("VQ-21.13")
def test_a_fit_leaves_out_what_is_masked() -> None:
    # Along the first axis, but for a masked vector far out on the second.
    x, mask = np.array([[[3.0, 0.0], [0.0, 99.0]]]), np.array([[True, False]])
    quantizer = Quantizer(PCA(Norm(1), "pca-batch"))
    result = quantize(x, {"emb_space": np.array([[0.0, 0.0], [4.0, 0.0]])}, quantizer, mask)
    # A projection on one axis: two quotients and products, and the mean, round.
    np.testing.assert_allclose(result.distance, [[[3, 1], [np.nan, np.nan]]], rtol=8 * 2.0**-53)


@pytest.mark.clause("VQ-21.3")
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_masked_vector_keeps_its_bits_in_any_dtype(dtype: type) -> None:
    x = np.array([[[-0.0, 1 / 3]]], dtype)
    assert quantize(x, {"emb_space": E}, Quantizer(), np.array([False])).layer_out.tobytes() == x.tobytes()


@pytest.mark.clause("VQ-21.2")
@pytest.mark.parametrize(
    ("mask", "raised"),
    [
        (np.ones((2, 3)), TypeError),
        (np.ones((2, 3), int), TypeError),
        (np.array(True), ValueError),
        (np.ones((3, 2), bool), ValueError),
        (np.ones(3, bool), ValueError),
        (np.ones((2, 1), bool), ValueError),
        (np.ones((2, 3, 2), bool), ValueError),
    ],
)
def test_a_mask_of_another_dtype_or_shape_is_refused(mask: np.ndarray, raised: type[Exception]) -> None:
    with pytest.raises(raised, match=r"^`mask` must .*Received: "):
        quantize(np.zeros((2, 3, 2)), {"emb_space": E}, Quantizer(), mask)
