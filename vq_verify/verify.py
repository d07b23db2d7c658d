"""The decorator that turns a check of one example into a test of every implementation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException, Unsatisfiable

from vq_verify.protocol import Implementation, NotOffered
from vq_verify.report import measurements
from vq_verify.report.reproduction import explain
from vq_verify.subject import Subject

# So many examples in a row that are not offered, from the first on, and no other is expected.
ENOUGH = 30

# That an implementation refuses most of what a strategy draws says nothing against the strategy. The tests of the
# strategies keep this check.
_SUPPRESSED = [hypothesis.HealthCheck.filter_too_much]


def verify(*sentences: str, **strategies: Callable[[Any], st.SearchStrategy[Any]]) -> Callable[..., Any]:
    """Mark a test with the sentences it checks, as "VQ-2.1", and run it on examples drawn for the implementation.

    Each keyword is a function from the implementation to the strategy that draws this argument. The number of examples
    is that of the profile, times the effort of the implementation. Examples that are not offered are drawn anew; if
    all are such, the test is `NotOffered`.

    The decorated function takes the implementation and the drawn arguments; it stays at hand as ``check``.
    """

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @pytest.mark.clause(*sentences)
        def test(implementation: Implementation) -> None:
            __tracebackhide__ = True
            subject = Subject.of(implementation)
            measured = measurements.begin()

            @wraps(check)
            def run(**arguments: Any) -> None:
                __tracebackhide__ = True
                _run_example(lambda: check(subject, **arguments), sentences, subject, measured)

            del run.__wrapped__  # its signature has the implementation, too
            drawn = {name: strategy(subject) for name, strategy in strategies.items()}
            try:
                _settings(subject)(hypothesis.given(**drawn)(run))()
            except Unsatisfiable:
                if (measured.missing or measured.not_asked) and not measured.examples:
                    raise measured.refusal() from None
                raise

        test.check = check  # type: ignore[attr-defined]  # what other checks run on a case of their own
        test.strategies = strategies  # type: ignore[attr-defined]  # what they draw from
        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate


def offered_of(result: Any, *names: str) -> list[str]:
    """Return which of some endpoints there are, and note the others as not offered; it is `NotOffered` if none is."""
    there, refusals = [], []
    for name in names:
        try:
            getattr(result, name)
        except NotOffered as refusal:
            refusals.append(refusal)
        else:
            there.append(name)
    if not there:
        raise refusals[0]
    for it in refusals:
        measurements.running().refuse(it)
    return there


@contextmanager
def held_to(*clauses: str) -> Iterator[None]:
    """Blame these clauses alone for what fails within, of all that the check cites."""
    try:
        yield
    except Exception as error:
        error.clauses = clauses  # type: ignore[attr-defined]  # what the report looks for
        raise


def _settings(subject: Subject) -> hypothesis.settings:
    profile: Any = hypothesis.settings.default
    return hypothesis.settings(
        max_examples=max(1, round(profile.max_examples * subject.effort)),
        # To try which values matter takes longer than to find and shrink a failure, and `explain` says more.
        phases=[phase for phase in profile.phases if phase is not hypothesis.Phase.explain],
        suppress_health_check=[*profile.suppress_health_check, *_SUPPRESSED],
    )


def _run_example(
    check: Callable[[], None], sentences: tuple[str, ...], subject: Subject, measured: measurements.Measurements
) -> None:
    """Run one example: reject it if it is not offered, explain it if it fails, and count it in either case."""
    __tracebackhide__ = True
    subject.begin_example()
    measured.begin_example()
    try:
        check()
    except NotOffered as refusal:
        measured.refuse(refusal)
        if not measured.examples and measured.missing.total() + measured.not_asked >= ENOUGH:
            raise measured.refusal() from None
        hypothesis.reject()
    except HypothesisException:  # a failed assumption
        raise
    except Exception as error:
        measured.examples += 1
        explain(error, sentences, subject, measured)
        raise
    measured.examples += 1
