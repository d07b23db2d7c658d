"""Each deliberately wrong implementation fails the very checks that cite the sentence that it breaks."""

import inspect
from collections.abc import Iterator
from types import ModuleType

import hypothesis
import pytest

import tests.parity
import tests.property
from tests.suite.catalogue import function_of, modules_of, name_of, sentences_of
from tests.suite.faults import FAULTS
from tests.suite.faults.machinery import Check, Faulty
from tests.suite.profiles import under
from vq_verify.adapters.oracle import Oracle

pytestmark = pytest.mark.slow

CHECKS = list(dict.fromkeys(check for fault in FAULTS for check in fault.checks))


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw ten times as many examples as the ci profile, or only so many, and do not shrink what fails.

    Most fail among the first. Which are drawn differs with Hypothesis' versions, and with the code around the checks.
    """
    hypothesis.settings.register_profile(
        "wrong implementations",
        hypothesis.settings.get_profile("ci"),
        max_examples=request.param or 10 * hypothesis.settings.get_profile("ci").max_examples,
        database=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    with under("wrong implementations"):
        yield


@pytest.mark.parametrize("profile", [None], indirect=True, ids=["many"])
@pytest.mark.parametrize(
    ("fault", "check"),
    [
        pytest.param(fault, check, id=f"{fault.name}-{name_of(check)}", marks=pytest.mark.clause(fault.sentence))
        for fault in FAULTS
        for check in fault.checks
    ],
)
@pytest.mark.usefixtures("profile")
@pytest.mark.filterwarnings("ignore")  # a check of wrong numbers may compare NaN and infinity
def test_a_wrong_implementation_fails_the_check_of_its_sentence(fault: Faulty, check: Check):
    # Nothing else: an error would be one of the fault itself.
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(fault)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_check_of_each_wrong_implementation_cites_its_sentence(fault: Faulty):
    assert any(fault.sentence in sentences_of(check) for check in fault.checks)


@pytest.mark.parametrize("profile", [2], indirect=True)  # it runs on all of them as a shipped implementation
@pytest.mark.parametrize("check", CHECKS, ids=name_of)
@pytest.mark.usefixtures("profile")
def test_the_unspoiled_oracle_passes_the_same_check(check: Check):
    check(Oracle())


def test_the_unspoiled_oracle_is_back_after_each_fault():
    pristine = Oracle().quantize
    for fault in FAULTS:
        with pytest.raises(ZeroDivisionError), fault.spoiled():
            raise ZeroDivisionError
    assert Oracle().quantize.__func__ is pristine.__func__


@pytest.mark.parametrize(
    "module", [*modules_of(tests.property), *modules_of(tests.parity)], ids=lambda module: module.__name__
)
def test_every_check_of_an_implementation_catches_a_wrong_one(module: ModuleType):
    caught = {function_of(check) for check in CHECKS}
    checks = {
        name: value
        for name, value in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("test_") and "implementation" in inspect.signature(value).parameters
    }
    assert not [name for name, check in checks.items() if check not in caught]


def test_names_of_wrong_implementations_are_unique():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
