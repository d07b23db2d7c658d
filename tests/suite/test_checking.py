"""A verification by a function, and what is made of failures that are expected."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

from vq_verify import VerificationError, check_quantizer, expectations
from vq_verify.adapters.oracle import Oracle
from vq_verify.command import main, options_of
from vq_verify.judging import Rules, id_of, judge, name_of
from vq_verify.report.reporter import outcome, updated

ORACLE = "vq_verify.adapters.oracle:Oracle"
COUNTS = "property/test_lookup.py::test_access_counts_count_the_indices"
FAR = "property/test_lookup.py::test_rows_far_from_the_origin_map_to_themselves[1]"


class Miscounting:
    """The oracle's lookup, of which no count is right."""

    name = "miscounting"

    def quantize(self, case):
        """Count each embedding once too often."""
        result = Oracle().quantize(case)
        return result._replace(access_count=result.access_count + 1)


def verified(expected=None, select="access_counts or far_from_the_origin", **options):
    return check_quantizer(
        Miscounting, expected, profile="lookup", examples="few", select=select, verbose=False, **options
    )


@pytest.mark.long
def test_a_failure_is_raised_with_what_shows_it(tmp_path):
    before = hypothesis.settings.default
    with pytest.raises(VerificationError, match="To reproduce it") as failure:
        verified(report=tmp_path)
    assert str(failure.value).startswith(f"{COUNTS}: AssertionError")
    assert FAR not in str(failure.value)
    assert repr(hypothesis.settings.default) == repr(before)
    (failed,) = json.loads((tmp_path / "report.json").read_text())["failures"]
    assert (failed["check"], failed["outcome"]) == (COUNTS, "failed")


@pytest.mark.long
def test_a_failure_that_is_expected_is_none_and_a_pass_that_is_not_is_one():
    verdicts = {row.clause: row.verdict for row in verified({COUNTS: "it counts from 1 on"}) if row.checks}
    assert verdicts == {"VQ-4": "fails as expected", "VQ-14": "fails as expected", "VQ-15": "pass"}
    with pytest.raises(VerificationError, match="passed, but is expected to fail") as failure:
        verified({COUNTS: "it counts from 1 on", FAR: "it is lost there"})
    assert str(failure.value).startswith(FAR)


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expected": {"test_nothing": "why"}}, "no check is named test_nothing"),
        ({"select": "nothing_of_this_name"}, "select must select a check. Received: 'nothing_of_this_name'"),
    ],
)
def test_a_wrong_name_is_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        verified(**options)


def test_a_wrong_number_of_examples_is_an_error():
    with pytest.raises(ValueError, match=r"examples must be one of few, quick, dev, ci, extended. Received: 'many'"):
        options_of("all", "many")


class Integers(Miscounting):
    """The oracle's lookup, whose counts are integers."""

    def quantize(self, case):
        """Count in integers."""
        result = Oracle().quantize(case)
        return result._replace(access_count=result.access_count.astype(int))


@pytest.mark.long
def test_what_falls_short_of_a_should_is_told_and_no_failure_unless_it_is_to_count():
    select = {"profile": "lookup", "examples": "few", "select": "access_counts", "verbose": False}
    verdicts = {row.clause: row.verdict for row in check_quantizer(Integers, **select) if row.checks}
    assert verdicts == {"VQ-4": "short of a should", "VQ-14": "short of a should"}
    with pytest.raises(VerificationError, match=COUNTS):
        check_quantizer(Integers(), **select, strict=True)


class Callable:
    """An adapter that is callable, as layers are, and offers nothing."""

    def __call__(self, x):
        """Return it."""
        return x


@pytest.mark.long
@pytest.mark.parametrize("adapter", [Callable(), object()])
def test_where_nothing_is_checked_nothing_is_verified(adapter):
    with pytest.raises(VerificationError, match=r"nothing was checked: .* offers nothing that was asked for"):
        check_quantizer(adapter, profile="scalar", examples="few", select="every_index", verbose=False)


class Named:
    """An adapter with a name."""

    def __init__(self, name="mine", offers=None):
        self.name, self.offers = name, offers or {}


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (Named(3), "the name of an implementation must be a string, and not empty. Received: 3"),
        (Named(offers=["float32"]), "offers must be a mapping from kinds to containers. Received: ['float32']"),
        (
            Named(offers={"dtypes": "float32"}),
            "offers['dtypes'] must be a container, such as a tuple. Received: 'float32'",
        ),
        (Named(offers={"norms": 2}), "offers['norms'] must be a container, such as a tuple. Received: 2"),
    ],
)
def test_an_adapter_that_says_nonsense_is_an_error(adapter, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        check_quantizer(adapter)


def test_a_path_that_is_none_is_an_error():
    with pytest.raises(ValueError, match=r"must be named as package.module:Adapter. Received: 'mine'"):
        check_quantizer("mine")


def test_a_name_that_is_not_ascii_is_no_part_of_the_name_of_a_check():
    subject = SimpleNamespace(name="größer ✓")
    callspec = SimpleNamespace(params={"implementation": subject}, id=f"{id_of(subject.name)}-l1")
    item = SimpleNamespace(callspec=callspec, path=Path("property/test_orders.py"), originalname="test_it")
    assert name_of(item) == "property/test_orders.py::test_it[l1]"


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere:Adapter"], "nowhere:Adapter cannot be loaded: ModuleNotFoundError"),
        (["json:Adapter"], "json:Adapter cannot be loaded: AttributeError"),
        (["json"], "json cannot be loaded: ValueError: an implementation must be named"),
        ([ORACLE, "--expect", "nothing.json"], "--expect must name a file of expectations. Received: nothing.json"),
        ([ORACLE, "--expect", "no/file.json", "--update-expectations"], "in a folder that there is"),
        ([ORACLE, ORACLE], "implementations must have names of their own. Received: oracle, oracle"),
        ([ORACLE, "--update-expectations"], "--update-expectations needs the file to write"),
    ],
)
def test_a_wrong_argument_of_the_command_is_an_error_in_a_line(arguments, message, tmp_path):
    run = [sys.executable, "-m", "vq_verify", *arguments]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def ended(passed):
    return SimpleNamespace(outcome="passed" if passed else "failed", passed=passed, failed=not passed, longrepr="")


@pytest.mark.parametrize(
    ("passed", "sentences", "rules", "accepted", "came_to"),
    [
        (True, ["VQ-2.1"], Rules({}), None, "passed"),
        (False, ["VQ-2.1"], Rules({}), None, "failed"),
        (False, ["VQ-2.1"], Rules({"a": "why"}), "expected", "skipped"),
        (True, ["VQ-2.1"], Rules({"a": "why"}), None, "failed"),
        (False, ["VQ-2.1"], Rules({}, updating=True), "expected", "skipped"),
        (True, ["VQ-2.1"], Rules({"a": "why"}, updating=True), None, "passed"),
        (False, ["VQ-4.2"], Rules({}), "should", "skipped"),
        (False, ["VQ-4.2"], Rules({}, strict=True), None, "failed"),
        (False, ["VQ-4.1", "VQ-4.2"], Rules({}), None, "failed"),
    ],
)
def test_what_the_end_of_a_check_counts_for(passed, sentences, rules, accepted, came_to):
    report = ended(passed)
    assert judge(report, "a", sentences, rules) == accepted
    assert report.outcome == came_to


def test_expectations_are_written_in_order_and_read_again(tmp_path):
    path = tmp_path / "failures.json"
    expectations.write(path, {"b": "wie „so“", "a": "why"})
    assert list(expectations.read(path).items()) == [("a", "why"), ("b", "wie „so“")]
    path.write_text('["a"]')
    with pytest.raises(ValueError, match="must hold an object from names of checks to reasons"):
        expectations.read(path)


def test_reasons_stay_where_a_check_still_fails_or_did_not_run():
    told = {"check": "a", "sentences": ["VQ-1.1"], "implementation": "mine", "failure": {"error": "off", "notes": []}}
    outcomes = [outcome("skipped", "expected", **told), outcome("passed", **{**told, "check": "b"})]
    assert updated({"a": "why", "b": "what", "c": "which"}, outcomes) == {"a": "why", "c": "which"}
    assert updated({}, outcomes) == {"a": "to be explained: off"}


@pytest.mark.process
def test_the_command_takes_options_of_its_own_and_of_pytests(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    select = ["--examples", "few", "--profile", "lookup", "--select", "access_counts"]
    assert main(["vq_verify.adapters.oracle:Oracle", *select, "--report", "out", "--", "-rA"]) == 0
    said = capfd.readouterr().out
    assert "test_access_counts_count_the_indices[oracle]" in said
    assert "verification by clause, specification 1.0, lookup" in said
    assert (tmp_path / "out" / "badge.svg").exists()
    with pytest.raises(SystemExit):
        main(["vq_verify.adapters.oracle:Oracle", "--profile", "looking up"])
    assert "invalid choice: 'looking up'" in capfd.readouterr().err
