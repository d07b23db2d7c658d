"""Tests that share what takes long to compile or to build run on one worker."""

import pytest

pytestmark = pytest.mark.xdist_group("workers")


@pytest.fixture(autouse=True)
def _workers(request):
    """Leave it out where there are none."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("there are no workers")


def test_the_id_of_a_test_ends_with_its_group_by_which_workers_are_chosen(request):
    assert request.node.nodeid.endswith("@workers")


@pytest.mark.parametrize("parameter", ["a@b"])
def test_so_does_that_of_a_test_with_parameters(request, parameter):
    assert request.node.nodeid.endswith(f"[{parameter}]@workers")
