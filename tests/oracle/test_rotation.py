"""The oracle's rotation of a gradient (VQ-27), against fractions: vectors of rational lengths have a rational rotation.

``v = (2 t, |t|^2 - 1)`` has the length ``|t|^2 + 1``, for t of any number of integers.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import Quantizer, Rotation
from reference.quantizer import gradients
from reference.rotation import length, rotation
from tests.oracle.rounding import roundings

Vector = list[Fraction]
_U = 2.0**-53


def dot(v: Vector, w: Vector) -> Fraction:
    return sum((a * b for a, b in zip(v, w, strict=True)), Fraction(0))


def scaled_back(unit: Vector, other: Vector, scale: Fraction, g: Vector) -> Vector:
    """Return ``scale * R^T g`` with ``R^T = I - 2 r r^T + 2 x e^T``, and ``r r^T`` left out where x + e is 0."""
    w = [a + b for a, b in zip(unit, other, strict=True)]
    along = 2 * dot(w, g) / dot(w, w) if any(w) else Fraction(0)
    return [scale * (c - along * a + 2 * dot(other, g) * b) for a, b, c in zip(w, unit, g, strict=True)]


def rational(t: list[int], sign: int) -> tuple[Vector, int]:
    """Return a vector of integers that has a rational length, and that length."""
    square = sum(it**2 for it in t)
    return [Fraction(sign * it) for it in (*(2 * it for it in t), square - 1)], square + 1


@pytest.mark.clause("VQ-27.1", "VQ-27.3", "VQ-27.4", "VQ-27.5")
@given(data=st.data(), d=st.integers(1, 4))
def test_the_gradient_turns_back_as_in_fractions(data: st.DataObject, d: int) -> None:
    def integers(count: int) -> list[int]:
        return data.draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count))

    (x, of_x), (e, of_e) = (rational(integers(d - 1), data.draw(st.sampled_from((1, -1)))) for _ in range(2))
    g = [Fraction(it) for it in integers(d)]
    unit, other = [it / of_x for it in x], [it / of_e for it in e]
    expected = scaled_back(unit, other, Fraction(of_e, of_x), g)
    found = Rotation().gradient_to_vectors(*(np.array([list(map(float, it))]) for it in (x, e, g)))
    # A direction has d / 2 + 3 roundings, their sum w one more, w scaled to norm 1 twice as many over ||w||, and the
    # matrix of a reflection along it four times; two matrices, their product, that with the gradient, and the scale
    # have no more than 4 d + 20, which ||w||, at most 2, doubles.
    w = math.hypot(*(float(a + b) for a, b in zip(unit, other, strict=True)))
    bound = float(roundings(12 * d + 72)) / (w or 2) * of_e / of_x * math.hypot(*map(float, g))
    assert np.abs(found[0] - np.array(list(map(float, expected)))).max() <= bound + 2 * _U * max(map(abs, expected))


@pytest.mark.clause("VQ-27.5", "VQ-27.6", "VQ-27.7")
@pytest.mark.parametrize(
    ("x", "e", "dtype"),
    [
        ([0.0, 0.0], [3.0, 4.0], np.float64),
        ([3.0, 4.0], [0.0, 0.0], np.float64),
        ([0.0, 0.0], [0.0, 0.0], np.float32),
        ([np.nan, 1.0], [np.nan, np.nan], np.float64),
        ([np.inf, 1.0], [3.0, 4.0], np.float64),
        ([3.0, 4.0], [np.nan, np.nan], np.float64),
        ([1e-20, 0.0], [0.0, 1e20], np.float32),
        ([1e-160, 0.0], [0.0, 1e160], np.float64),
    ],
)
def test_without_a_scale_the_gradient_passes_on_as_it_is(x: list[float], e: list[float], dtype: type) -> None:
    upstream = np.array([[3.0, -2.0]], dtype)
    found = Rotation().gradient_to_vectors(np.array([x]), np.array([e]), upstream)
    np.testing.assert_array_equal(found, upstream)


@pytest.mark.clause("VQ-27.3", "VQ-27.8")
@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300])
def test_at_the_opposite_nothing_but_the_direction_of_the_vector_is_reversed(scale: float) -> None:
    x, e = scale * np.array([[0.0, 2.0, 0.0]]), scale * np.array([[0.0, -4.0, 0.0]])
    found = Rotation().gradient_to_vectors(x, e, np.array([[1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(found, [[2, -4, 6]], rtol=4 * _U)  # two quotients, a product of lengths, and their sum


@pytest.mark.clause("VQ-27.1", "VQ-27.2")
def test_each_vector_is_turned_onto_the_embedding_that_it_chose_and_nothing_reaches_the_embeddings() -> None:
    emb_space, x = np.array([[0.0, 2.0], [-8.0, 0.0]]), np.array([[[0.0, 1.0, -4.0, 0.0]], [[1.0, 0.0, 0.0, -16.0]]])
    found = gradients(x, {"emb_space": emb_space}, Quantizer(estimator=Rotation(), num_splits=2), np.ones(x.shape))
    # Two are parallel to their embeddings, and a quarter turn to the left and to the right away from theirs.
    expected = [[[2, 2, 2, 2]], [[2, -2, -0.5, 0.5]]]
    np.testing.assert_allclose(found.output_to_x, expected, rtol=8 * _U)  # a root of 2, squared, and what is left of 1
    assert not found.output_to_emb_space.any()


@pytest.mark.clause("VQ-27.9")
@pytest.mark.parametrize("offset", [1e-3, 1e-9, 1e-15, 1e-17])
def test_a_rotation_keeps_lengths_however_near_the_opposite(offset: float) -> None:
    start, end = np.array([0.6, 0.8]), np.array([-0.6, -0.8]) + offset * np.array([0.8, -0.6])
    matrix = rotation(start, end)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(2), atol=64 * _U)  # a few roundings of each of four products


@pytest.mark.clause("VQ-27.8")
def test_no_square_of_a_length_overflows_or_underflows() -> None:
    vectors = np.array([[3e200, 4e200], [3e-200, 4e-200], [0.0, 0.0], [np.nan, 1.0]])
    np.testing.assert_allclose(length(vectors)[:, 0], [5e200, 5e-200, 0, np.nan], rtol=4 * _U)
