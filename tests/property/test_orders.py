"""Laws of the norms of any order, for every implementation (VQ-1, VQ-7)."""

from dataclasses import replace

import numpy as np
import pytest

from vq_verify import strategies
from vq_verify.comparison import assert_same_distances, distance_error, rounding
from vq_verify.protocol import Case, Implementation
from vq_verify.verify import verify


def error(case, distance):
    d = case.emb_space.shape[1]
    return distance_error(np.asarray(distance, np.float64), d, case.lookup_ord, rounding(case.x.dtype))


@verify("VQ-1.1", "VQ-1.2", case=strategies.cases_of_other_orders)
def test_distances_fall_from_l1_on_as_the_order_grows_and_by_no_more_than_a_root_of_d(implementation, case):
    d, p = case.emb_space.shape[1], case.lookup_ord
    distance = implementation.quantize(case).distance
    for other in (1, np.inf):
        of_other = replace(case, lookup_ord=other)
        bound = implementation.quantize(of_other).distance
        low, high = (distance, bound) if other == 1 else (bound, distance)
        both = error(case, distance) + error(of_other, bound) * d ** abs(1 / p - 1 / other)
        assert (low <= high + both).all()
        assert (high <= low * d ** abs(1 / p - 1 / other) + d * both).all()


@verify("VQ-1.1", case=strategies.cases_of_other_orders)
def test_doubling_all_coordinates_doubles_the_distances_within_rounding(implementation, case):
    result = implementation.quantize(case)
    doubled = replace(case, x=case.x * case.x.dtype.type(2), emb_space=case.emb_space * 2)
    assert_same_distances(doubled, implementation.quantize(doubled).distance, 2 * result.distance)


@pytest.mark.clause("VQ-1.1", "VQ-2.1", "VQ-2.6")
@pytest.mark.parametrize(("lookup_ord", "length"), [(3, 6.0), (1.5, (3**1.5 + 4**1.5 + 5**1.5) ** (2 / 3))])
def test_a_distance_is_the_root_of_the_sum_of_powers(implementation: Implementation, lookup_ord: float, length: float):
    x, emb_space = np.array([[[3.0, -4.0, 5.0]]]), np.array([[0.0, 0.0, 0.0], [3.0, -4.0, 5.0], [3.0, 4.0, 5.0]])
    case = Case(x=x, emb_space=emb_space, lookup_ord=lookup_ord, weights={})
    result = implementation.quantize(case)
    np.testing.assert_allclose(result.distance, [[[length, 0, 8]]], rtol=1e-14)  # some tens of roundings in float64
    assert result.emb_index == [[1]]


@pytest.mark.clause("VQ-7.5")
@pytest.mark.parametrize("lookup_ord", [3, 1.5])
def test_a_gradient_is_the_power_of_the_share_of_each_coordinate(implementation: Implementation, lookup_ord: float):
    case = Case(
        x=np.zeros((1, 1, 3)),
        emb_space=np.array([[3.0, -4.0, 5.0]]),
        lookup_ord=lookup_ord,
        weights={"alpha_loss": 1.0},
    )
    length = (3**lookup_ord + 4**lookup_ord + 5**lookup_ord) ** (1 / lookup_ord)
    expected = (np.array([[3, 4, 5]]) / length) ** (lookup_ord - 1) * [1, -1, 1]
    gradient = implementation.gradients(case, case.x).losses_to_emb_space["alpha_loss"]
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)  # some hundreds of roundings in float64


@verify("VQ-2.2", case=strategies.cases_of_other_orders)
def test_equal_embeddings_tie_to_the_first_and_are_at_one_distance(implementation, case):
    n = len(case.emb_space)
    result = implementation.quantize(replace(case, emb_space=np.concatenate([case.emb_space, case.emb_space])))
    assert (result.emb_index < n).all()
    np.testing.assert_array_equal(result.distance[..., :n], result.distance[..., n:])
