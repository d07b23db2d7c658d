"""The oracle's errors name the argument, its rule and the value received."""

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from reference import cosine_knn_vector_quantization, vector_quantization
from reference.parts.replacement import initial_state

X, EMB_SPACE = np.zeros((2, 3, 4)), np.zeros((5, 2))


def _call(**changed: Any) -> Any:
    return vector_quantization(**{"x": X, "emb_space": EMB_SPACE, "num_splits": 2, **changed})


def _assert_refused(error: type[Exception], argument: str, rule: str, received: str, value: Any) -> None:
    message = f"^{re.escape(f'`{argument}` {rule}')}.*{re.escape(f'Received: {received}')}$"
    with pytest.raises(error, match=message):
        _call(**{argument: value})


@pytest.mark.clause("VQ-16.4")
@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (1, 2, 3, 4)])
def test_x_of_another_rank_than_3_is_refused(shape: tuple[int, ...]) -> None:
    received = f"shape {shape}, dtype float64"
    _assert_refused(ValueError, "x", "must have the shape [batch, r, q].", received, np.zeros(shape))


@pytest.mark.clause("VQ-16.6")
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_x_that_is_not_floating_is_refused(dtype: str) -> None:
    received = f"shape (2, 3, 4), dtype {dtype}"
    _assert_refused(TypeError, "x", "must have a floating dtype.", received, X.astype(dtype))


@pytest.mark.clause("VQ-16.12")
@pytest.mark.parametrize("num_splits", [0, -1])
def test_a_number_of_splits_that_is_not_positive_is_refused(num_splits: int) -> None:
    received = f"num_splits={num_splits}"
    _assert_refused(ValueError, "num_splits", "must be greater than 0.", received, num_splits)


@pytest.mark.clause("VQ-16.12")
@pytest.mark.parametrize("num_splits", [3, 8])
def test_a_number_of_splits_that_does_not_divide_q_is_refused(num_splits: int) -> None:
    received = f"num_splits={num_splits}, q=4"
    _assert_refused(ValueError, "num_splits", "must divide the last axis of `x`.", received, num_splits)


@pytest.mark.clause("VQ-16.12")
@pytest.mark.parametrize("num_splits", [2.0, "2", True, None])
def test_a_number_of_splits_that_is_no_integer_is_refused(num_splits: Any) -> None:
    received = f"num_splits={num_splits!r}"
    _assert_refused(TypeError, "num_splits", "must be an integer.", received, num_splits)


@pytest.mark.clause("VQ-16.15")
@pytest.mark.parametrize("shape", [(), (2,), (0, 2), (5, 1), (5, 4), (1, 5, 2)])
def test_an_embedding_space_that_does_not_fit_x_is_refused(shape: tuple[int, ...]) -> None:
    _assert_refused(ValueError, "emb_space", "must have the shape [n, 2], n > 0", str(shape), np.zeros(shape))


@pytest.mark.clause("VQ-16.13")
@pytest.mark.parametrize("lookup_ord", [0, -1, 0.5, 1 - 2**-53, -np.inf, np.nan])
def test_an_order_that_no_norm_has_is_refused(lookup_ord: float) -> None:
    received = f"lookup_ord={lookup_ord!r}"
    _assert_refused(ValueError, "lookup_ord", "must be a number of at least 1, or infinity.", received, lookup_ord)


@pytest.mark.clause("VQ-16.13")
@pytest.mark.parametrize("lookup_ord", ["2", "inf", None, True, 2j])
def test_the_order_of_a_norm_that_is_no_number_is_refused(lookup_ord: Any) -> None:
    _assert_refused(TypeError, "lookup_ord", "must be a number.", f"lookup_ord={lookup_ord!r}", lookup_ord)


@pytest.mark.clause("VQ-16.16")
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128", "V8"])
def test_an_embedding_space_that_is_not_floating_is_refused(dtype: str) -> None:
    emb_space = EMB_SPACE.astype(dtype)
    received = f"shape (5, 2), dtype {emb_space.dtype}"
    _assert_refused(TypeError, "emb_space", "must have a floating dtype.", received, emb_space)


@pytest.mark.clause("VQ-16.13", "VQ-16.14")
@pytest.mark.parametrize("argument", ["alpha", "lookup_ord"])
def test_a_number_that_no_float_can_hold_is_refused(argument: str) -> None:
    _assert_refused(ValueError, argument, "must fit into a float.", f"{argument}={10**400}", 10**400)


@pytest.mark.clause("VQ-16.23")
@pytest.mark.parametrize(
    ("threshold", "error", "rule"),
    [
        ("0.5", TypeError, "be a number"),
        (True, TypeError, "be a number"),
        (None, TypeError, "be a number"),
        (np.nan, ValueError, "not be NaN"),
    ],
)
def test_a_threshold_that_is_no_number_is_refused(threshold: Any, error: type[Exception], rule: str) -> None:
    message = rf"^`majority_threshold` must {rule}. Received: majority_threshold={threshold!r}$"
    with pytest.raises(error, match=message):
        cosine_knn_vector_quantization(X, np.zeros(5, int), 1, 1, EMB_SPACE, num_splits=2, majority_threshold=threshold)


@pytest.mark.clause("VQ-16.21", "VQ-16.22")
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        *((name, value, TypeError) for name in ("k", "num_classes") for value in (1.0, True)),
        ("num_classes", 0, ValueError),
        ("k", 0, ValueError),
        ("k", 6, ValueError),
    ],
)
def test_a_vote_of_wrong_numbers_is_refused(name: str, value: Any, error: type[Exception]) -> None:
    arguments = {"num_classes": 1, "k": 1, name: value}
    with pytest.raises(error, match=rf"^`{name}` must .*Received: {name}={value!r}$"):
        cosine_knn_vector_quantization(X, np.zeros(5, int), emb_space=EMB_SPACE, num_splits=2, **arguments)


@pytest.mark.clause("VQ-16.19")
@pytest.mark.parametrize(("value", "error"), [(1.0, TypeError), (True, TypeError), (-1, ValueError), (6, ValueError)])
def test_a_wrong_number_of_embeddings_to_replace_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^`num_embeds_replaced` must .*Received: num_embeds_replaced={value!r}$"):
        initial_state(5, value, 2)
    for allowed in (0, 5):
        assert initial_state(5, allowed, 2).distant_inputs.shape == (allowed, 2)


@pytest.mark.clause("VQ-16.14")
@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("argument", ["alpha", "beta", "gamma"])
def test_a_weight_that_is_not_finite_is_refused(argument: str, weight: float) -> None:
    _assert_refused(ValueError, argument, "must be finite.", f"{argument}={weight!r}", weight)


@pytest.mark.clause("VQ-16.14")
@pytest.mark.parametrize("weight", ["0.1", None, False, 1j, [0.1]])
@pytest.mark.parametrize("argument", ["alpha", "beta", "gamma"])
def test_a_weight_that_is_no_number_is_refused(argument: str, weight: Any) -> None:
    _assert_refused(TypeError, argument, "must be a number.", f"{argument}={weight!r}", weight)


@pytest.mark.clause("VQ-16.13", "VQ-16.14")
@pytest.mark.parametrize(
    "changed",
    [
        {"x": np.zeros((0, 3, 4))},
        {"x": X.astype(np.float16), "emb_space": EMB_SPACE.astype(np.float32)},
        {"num_splits": np.int32(2)},
        {"lookup_ord": 2.0},
        {"lookup_ord": 3},
        {"lookup_ord": Fraction(3, 2)},
        {"lookup_ord": np.float32(np.inf)},
        {"alpha": -1, "beta": np.float32(0.5), "gamma": 0},
    ],
)
def test_what_the_rules_allow_is_not_refused(changed: dict[str, Any]) -> None:
    assert _call(**changed).layer_out.shape == changed.get("x", X).shape
