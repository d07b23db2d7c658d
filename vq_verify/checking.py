"""The verification as a function, for the tests of a project of your own."""

import contextlib
import functools
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import hypothesis
import pytest

from vq_verify import plugin
from vq_verify.command import options_of
from vq_verify.judging import Rules
from vq_verify.loading import clauses_of, load
from vq_verify.report.table import Outcome, Row
from vq_verify.subject import Subject


class VerificationError(AssertionError):
    """An implementation failed checks that it was not expected to fail, or passed some that it was expected to fail."""


def check_quantizer(
    adapter: Any,
    expected_failures: Mapping[str, str] | None = None,
    *,
    profile: str = "all",
    examples: str = "ci",
    strict: bool = False,
    select: str | None = None,
    report: str | Path | None = None,
    verbose: bool = True,
) -> list[Row]:
    """Verify an implementation against the specification.

    Parameters
    ----------
    adapter : object, class, function or str
        An adapter as docs/use/adapters.md describes it, or what makes one, or the path of this,
        "package.module:Adapter".
    expected_failures : mapping of str to str, optional
        The checks that are expected to fail, by their names, and the reasons. It is an error if one passes.
    profile : str
        The profile of reference/SPEC.md whose clauses it answers for.
    examples : {"few", "quick", "dev", "ci", "extended"}
        The profile of `vq_verify.examples` that tells how many examples each check draws.
    strict : bool
        Whether a sentence that says *should* counts like a must.
    select : str, optional
        Which checks to run, by parts of their names, as pytest's ``-k`` takes them.
    report : path, optional
        A folder for the report.
    verbose : bool
        Whether to print what pytest prints.

    Returns
    -------
    list of Row
        What the checks of each clause came to.

    Raises
    ------
    VerificationError
        If a check fails that is not expected to, or the other way round; its message has each error and what shows it.
        If nothing could be checked, since nothing that the profile asks for is offered.
    ValueError
        If there is no such profile, or an expectation names no check.
    """
    subject = load(adapter, profile) if isinstance(adapter, str) else Subject(_made(adapter), None, clauses_of(profile))
    given = plugin.Given(subject, Rules(dict(expected_failures or {}), strict=strict))
    options = options_of(profile, examples)
    options += ["-k", select] if select else []
    options += ["--report", str(report)] if report else []
    status = _run(options, given, verbose)
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        if given.reporter.outcomes or not select:
            raise VerificationError(f"nothing was checked: {subject.name} offers nothing that was asked for")
        raise ValueError(f"select must select a check. Received: {select!r}")
    if status != pytest.ExitCode.OK:
        failures = "\n".join(_failures(given.reporter.outcomes))
        raise VerificationError(failures or f"the checks did not run: pytest ended with {pytest.ExitCode(status)!r}")
    return list(given.reporter.report().rows)


def _made(adapter: Any) -> Any:
    """Return an adapter, which may be callable itself, as layers are."""
    return adapter() if isinstance(adapter, type | FunctionType | functools.partial) else adapter


def _run(options: list[str], given: plugin.Given, verbose: bool) -> int:
    """Run pytest within this process, and leave the settings of Hypothesis as they were."""
    before, errors = hypothesis.settings.default, io.StringIO()
    of_host = os.environ.pop("PYTEST_ADDOPTS", None)  # as -n 2 or --cov: of the tests around this one
    try:
        quiet = contextlib.nullcontext() if verbose else contextlib.redirect_stdout(io.StringIO())
        with contextlib.redirect_stderr(errors), quiet:
            status = pytest.main(options, plugins=[given])
    finally:
        if of_host is not None:
            os.environ["PYTEST_ADDOPTS"] = of_host
        hypothesis.settings.register_profile("before", before)
        hypothesis.settings.load_profile("before")
    if status == pytest.ExitCode.USAGE_ERROR:
        raise ValueError(errors.getvalue().strip().removeprefix("ERROR: "))
    return int(status)


def _failures(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for it in outcomes:
        if it.outcome == "failed":
            failure = it.failure or {"error": "it passed, but is expected to fail", "notes": []}
            yield "\n".join([f"{it.check}: {failure['error']}", *failure["notes"]])
