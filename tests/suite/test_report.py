"""The report of a verification: what is measured, what is not offered, how failures explain themselves."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import ml_dtypes
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from tests.parity import test_training
from tests.parity import test_vector_quantization as parity
from tests.suite.profiles import under
from tests.suite.verification import ROOT, verification
from vq_verify.adapters.oracle import Oracle
from vq_verify.comparison import assert_nearest, assert_within
from vq_verify.protocol import Case, NotOffered, Vote
from vq_verify.report import measurements
from vq_verify.report.badge import badge
from vq_verify.report.page import page
from vq_verify.report.reproduction import blamed, program, source
from vq_verify.report.table import Outcome, Report, Row, as_json, as_markdown, as_text, rows
from vq_verify.subject import Call, Subject
from vq_verify.verify import ENOUGH, held_to, verify

CASE = Case(x=np.array([[[1.0, -0.0]]]), emb_space=np.array([[2.0, np.inf], [0.0, 1.0]]), lookup_ord=np.inf)


class Doubled:
    """Offers lookups of L2 and Linf only, and its distances come out twice too large."""

    name = "doubled"
    dtypes = ("float64", "float32")

    def quantize(self, case):
        """Refuse one norm."""
        if case.lookup_ord == 1:
            raise NotOffered("lookup_ord=1")
        result = Oracle().quantize(case)
        return result._replace(distance=2 * result.distance)


@pytest.fixture
def few_examples():
    with under("few"):
        yield


@pytest.fixture
def many_examples():
    with under("ci"):
        yield


# Tables.


def report(table: list[Row], outcomes: list[Outcome]) -> Report:
    return Report("1.0", "all", {"python": "3.11"}, table, outcomes)


def outcome(**changes: Any) -> Outcome:
    return Outcome(**{**Outcome("test", ["VQ-1.1"], "mine", "passed", 5, {}, {})._asdict(), **changes})


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([], "no check"),
        ([outcome()], "pass"),
        ([outcome(), outcome(outcome="failed"), outcome(outcome="skipped")], "FAIL"),
        ([outcome(outcome="skipped", examples=0, missing={"PCA": 3})], "not offered"),
        ([outcome(), outcome(outcome="skipped", examples=0)], "partly offered"),
        ([outcome(), outcome(missing={"PCA": 3})], "partly offered"),
    ],
)
def test_a_clause_has_a_verdict(outcomes, verdict):
    other = outcome(sentences=["VQ-2.6"])
    assert [row.verdict for row in rows({"VQ-1": "Distance", "VQ-2": "Lookup"}, [other, *outcomes])] == [
        verdict,
        "pass",
    ]


def test_a_row_sums_up_its_checks():
    outcomes = [
        outcome(worst={"distance": 0.25, "alpha_loss": 0.5}, missing={"PCA": 3}),
        outcome(
            check="bad", outcome="failed", worst={"distance": 3.0}, missing={"PCA": 1}, sentences=["VQ-2.1", "VQ-1"]
        ),
    ]
    (row,) = rows({"VQ-1": "Distance"}, outcomes)
    assert row == ("VQ-1", "Distance", "mine", 2, 10, 3.0, "distance", "FAIL", {"PCA": 4}, ["bad"])


def test_text_markdown_and_json_say_the_same():
    failure = {"error": "AssertionError: off by <3>", "notes": ["what shows it"]}
    outcomes = [outcome(check="bad", outcome="failed", worst={"distance": np.inf}, missing={"PCA": 3}, failure=failure)]
    table = rows({"VQ-1": "Distance"}, outcomes)
    for text in (as_text(table), as_markdown(report(table, outcomes)), page(report(table, outcomes))):
        for part in ("VQ-1", "Distance", "mine", "5", "inf (distance)", "FAIL", "bad", "PCA (3)"):
            assert part in text
    assert len({line.index("FAIL") for line in as_text(table).splitlines()[1:2]}) == 1
    told = json.loads(as_json(report(table, outcomes)))
    (row,) = told["rows"]
    assert (row["verdict"], row["worst"], row["missing"], row["failed"]) == ("FAIL", None, {"PCA": 3}, ["bad"])
    assert (told["specification"], told["profile"], told["failures"][0]["failure"]) == ("1.0", "all", failure)
    assert "off by &lt;3&gt;" in page(report(table, outcomes))


@pytest.mark.parametrize(
    ("outcomes", "text"),
    [
        ([outcome()], "passes"),
        ([outcome(), outcome(outcome="should")], "passes what it offers"),
        ([outcome(), outcome(missing={"PCA": 3})], "passes what it offers"),
        ([outcome(), outcome(outcome="failed")], "fails"),
        ([outcome(), outcome(outcome="expected")], "fails"),
        ([outcome(outcome="skipped", examples=0, missing={"PCA": 3})], "fails"),
        ([], "fails"),
    ],
)
def test_a_badge_is_an_image_that_says_what_all_came_to(outcomes, text):
    image = ElementTree.fromstring(badge(report(rows({"VQ-1": "Distance"}, outcomes), outcomes)))
    assert image.get("aria-label") == f"VQ spec 1.0, all: {text}"


def test_the_page_loads_nothing_and_closes_every_element():
    outcomes = [outcome(check="bad", outcome="failed", missing={"PCA": 3})]
    text = page(report(rows({"VQ-1": "Distance"}, outcomes), outcomes))
    assert "src=" not in text
    assert "href=" not in text
    body = text.partition("<body>")[2].partition("</body>")[0]
    ElementTree.fromstring(f"<body>{body}</body>")


# Measurements.


def test_the_largest_error_is_noted_as_a_fraction_of_its_bound():
    measured = measurements.begin()
    assert_within([1.0, 2.5], [1.0, 2.0], [0.0, 2.0], "distance")
    assert_within(np.float32(3), 3.5, 1.0, "loss")
    assert_within([], [], 0.0, "nothing")
    assert measured.worst == {"distance": 0.25, "loss": 0.5, "nothing": 0.0}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0, 6.0], r"1 of 3 .* \(2,\): 6.0 for 3.0, off by 3.0, 3 times the bound 1.0"),
        ([1.5, 4.0, 6.0], r"3 of 3 .* \(0,\): 1.5 for 1.0, off by 0.5, inf times the bound 0.0"),
        ([1.0, 2.0, np.nan], r"1 of 3 .* \(2,\): nan for 3.0, off by nan, inf times"),
        ([1.0, 2.0], r"shape \(2,\), not \(3,\)"),
    ],
)
def test_an_error_beyond_its_bound_is_named_with_its_place(value, message):
    with pytest.raises(AssertionError, match=f"distance.*{message}"):
        assert_within(value, [1.0, 2.0, 3.0], [0.0, 1.0, 1.0], "distance")


def test_the_margin_of_an_index_is_noted_and_named():
    measured = measurements.begin()
    distance, error = np.array([[1.0, 1.5, 4.0]]), np.array([[0.5, 0.5, 1.0]])
    assert_nearest(distance, error, np.array([1]), "emb_index")
    assert measured.worst == {"emb_index": 0.5}
    with pytest.raises(AssertionError, match=r"1 of 1 .* embedding 2 is 4.0 off, embedding 0 1.0; .* 2 times .* 1.5"):
        assert_nearest(distance, error, np.array([2]), "emb_index")
    with pytest.raises(AssertionError, match="embedding -2"):
        assert_nearest(distance, error, np.array([-2]), "emb_index")


# What is not offered.


def test_what_an_implementation_leaves_out_is_not_offered():
    subject = Subject.of(Doubled())
    with pytest.raises(NotOffered, match="not offered: `gradients`"):
        subject.gradients(CASE, CASE.x)
    with pytest.raises(NotOffered, match="not offered: float16"):
        subject.quantize(Case(x=CASE.x.astype(np.float16), emb_space=CASE.emb_space.astype(np.float32)))
    with pytest.raises(NotOffered, match="not offered: `state`"):
        _ = Subject(Training()).training(CASE, 1).state
    assert (subject.effort, subject.configurations) == (1.0, None)
    assert Subject.of(subject) is subject


class Training:
    """An implementation and a training at once, which offers no state, and whose `quantize` has an error."""

    def training(self, *_):
        """Return one."""
        return self

    def quantize(self, _):
        """Ask for something that is not there."""
        return self.nothing


class BrokenTraining(Training):
    """One whose state has an error."""

    @property
    def state(self):
        """Ask for something that is not there."""
        return self.nothing


def test_an_attribute_that_is_missing_within_a_method_is_an_error():
    subject = Subject(BrokenTraining())
    for broken in (lambda: subject.quantize(CASE), lambda: subject.training(CASE, 1).state):
        with pytest.raises((AttributeError, NotOffered), match="nothing") as error:
            broken()
        assert error.type is AttributeError


class Unsaved(Oracle):
    """The oracle, which cannot be saved."""

    def training(self, case, num_embeds_replaced):
        """Take saving out."""
        training = super().training(case, num_embeds_replaced)
        training.save_and_load = self._refuse
        return training

    def _refuse(self):
        raise NotOffered("saving")


@pytest.mark.usefixtures("few_examples")
def test_a_step_of_a_training_that_is_not_offered_is_left_out():
    measured = measurements.begin()
    with suppress(NotOffered):  # which would skip this test
        test_training.test_every_step_of_a_training_leaves_the_state_that_it_must(Subject(Unsaved()))
    assert measured.examples > 0
    assert measured.missing.keys() == {"saving"}


DIGITS = st.integers(0, 9)


def verified(refused=(), wrong=(), drawn=DIGITS):
    """Return a check of numbers, some of which are not offered, and others come out wrong; and run it."""

    def check(_, number):
        if number in refused:
            raise NotOffered("some numbers")
        assert number not in wrong

    verify("VQ-1.1", number=lambda _: drawn)(check)(Oracle())
    return measurements.running()


@pytest.mark.usefixtures("many_examples")  # of few, all may be offered
def test_examples_that_are_not_offered_are_counted_and_drawn_anew():
    whole, partial = verified(), verified(refused=range(1, 9))
    assert not whole.missing
    assert whole.examples > partial.examples > 0
    assert partial.missing.keys() == {"some numbers"}


@pytest.mark.parametrize("drawn", [st.integers(0, 9), st.integers(), st.just(0)])
def test_a_check_of_which_nothing_is_offered_is_not_offered(drawn):
    with pytest.raises(NotOffered, match="not offered: some numbers"):
        verified(refused=EVERYTHING, drawn=drawn)
    assert measurements.running().examples == 0
    assert measurements.running().missing.total() <= ENOUGH


class Everything:
    """Contains anything."""

    def __contains__(self, _):
        return True


EVERYTHING = Everything()


def test_what_is_offered_and_wrong_fails():
    with pytest.raises(AssertionError):
        verified(refused=range(1, 10), wrong=[0])


def test_a_check_that_a_strategy_never_reaches_is_an_error_all_the_same():
    with pytest.raises((Unsatisfiable, NotOffered)) as error:
        verified(drawn=st.integers().filter(lambda _: False))
    assert error.type is Unsatisfiable


# Failures.


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_the_source_of_an_array_gives_it_back_bit_for_bit(dtype):
    rng = np.random.default_rng(0)
    values = np.array([[0.1, -0.0, np.inf], [-np.inf, np.nan, np.ldexp(rng.random(), -20)]]).astype(dtype)
    for array in (values, values[:0], values.reshape(1, 3, 2)):
        names = {"inf": np.inf, "nan": np.nan, "ml_dtypes": ml_dtypes}
        value = eval(source(array), {"array": np.array, **names})
        assert (value.dtype, value.shape) == (array.dtype, array.shape)
        assert value.tobytes() == array.tobytes()
        unrounded = eval(source(array), {"array": lambda numbers, _: np.array(numbers), **names})
        np.testing.assert_array_equal(unrounded, array.astype(np.float64))


def test_the_source_of_a_case_leaves_out_what_is_as_by_default():
    vote = Vote(np.array([0, 1], np.int32), 2, 1)
    assert source(vote) == "Vote(emb_labels=array([0, 1], 'int32'), num_classes=2, k=1)"
    assert source(CASE).endswith("lookup_ord=inf)")


def test_the_source_of_a_case_gives_weights_and_masks_back():
    case = replace(CASE.weighted(beta_loss=np.float32(0.1)), mask=np.array([[True]]), estimator="none", every=2)
    again = eval(source(case), {"Case": Case, "array": np.array, "inf": np.inf})
    assert again.weights == case.weights
    np.testing.assert_array_equal(again.mask, case.mask, strict=True)
    assert (again.estimator, again.every, again.codebooks) == ("none", 2, "shared")


def run(code):
    return subprocess.run(
        [sys.executable, "-"], input=code, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.process
@pytest.mark.usefixtures("few_examples")
def test_a_failure_comes_with_what_shows_it_again():
    with pytest.raises(AssertionError, match=r"distance: .* times the bound") as failure:
        parity.test_distances_are_within_their_rounding_errors(Doubled())
    cited, case, *margins, reproduction = failure.value.__notes__[:4]
    sentences = "VQ-1.1, VQ-1.2, VQ-1.4, VQ-2.6, VQ-6.1, VQ-6.2, VQ-14.2, VQ-14.3, VQ-15.2"
    assert cited == f"{sentences} of reference/SPEC.md, doubled"
    assert "emb_space: float" in case
    assert margins[0].startswith("margin: the error of distance is ")
    _, code = reproduction.split("To reproduce it:\n\n")
    _, oracle, wrong = run(code).split("# ")
    assert oracle.startswith("vq_verify.adapters.oracle:Oracle\nQuantized(layer_out=")
    assert wrong.startswith("tests.suite.test_report:Doubled\nQuantized(layer_out=")
    assert oracle.split("distance=")[1] != wrong.split("distance=")[1]
    assert oracle.split("distance=")[0].split("\n")[1] == wrong.split("distance=")[0].split("\n")[1]


@pytest.mark.process
def test_a_training_is_shown_again_step_by_step():
    subject = Subject(Oracle())
    case = Case(x=np.array([[[1.0, 2.0]]], ml_dtypes.bfloat16), emb_space=np.array([[0, 0], [1, 2]], np.float32))
    training, other = subject.training(case, 1), subject.training(case, 2)
    training.training_pass(case.x)
    other.inference_pass(case.x[:0])
    training.replace_embeds()
    expected = [training.state, other.state]
    printed = run(program(subject.calls, [subject.path]))
    assert printed == f"# vq_verify.adapters.oracle:Oracle\n{expected[0]}\n{expected[1]}\n"


@pytest.mark.process
def test_a_call_that_raises_is_shown_too():
    printed = run(program([Call("implementation", "gradients", (CASE, CASE.x))], ["tests.suite.test_report:Doubled"]))
    assert printed.splitlines()[1] == "not offered: `gradients`"


def test_an_error_speaks_against_the_clauses_that_it_names_or_against_all_that_are_cited():
    cited = ["VQ-1.1", "VQ-2.1", "VQ-15.1"]
    with pytest.raises(AssertionError) as failure, held_to("VQ-2", "VQ-15", "VQ-4"):
        raise AssertionError
    assert blamed(failure.value, cited) == ["VQ-2.1", "VQ-15.1"]
    assert blamed(ExceptionGroup("two", [failure.value, ValueError()]), cited) == ["VQ-2.1", "VQ-15.1"]
    assert blamed(AssertionError(), cited) == cited


# The whole, in workers.


@pytest.mark.process
def test_a_verification_ends_with_a_verdict_for_each_clause(tmp_path):
    tests = ["tests/parity/test_vector_quantization.py", "tests/property/test_spacing.py"]
    table, output = verification(tmp_path, "tests.suite.test_report:Doubled", "-n", "2", *tests)
    verdicts = {clause: row["verdict"] for clause, row in table.items() if row["checks"]}
    assert verdicts == {
        "VQ-1": "FAIL",
        "VQ-2": "partly offered",
        "VQ-5": "partly offered",
        "VQ-6": "FAIL",
        "VQ-7": "not offered",
        "VQ-14": "FAIL",
        "VQ-15": "FAIL",
        "VQ-18": "partly offered",
    }
    assert table["VQ-1"]["worst"] > 1
    assert table["VQ-1"]["worst_of"] == "distance"
    assert table["VQ-5"]["missing"].keys() == {"lookup_ord=1", "`gradients`"}
    assert table["VQ-7"]["missing"].keys() == {"`gradients`"}
    assert "To reproduce it:" in output
    assert "not offered: `gradients`" in output
    assert "verification by clause" in output
    assert (tmp_path / "report.md").read_text().startswith("# Verification\n\nSpecification 1.0, profile `all`.\n\n")


@pytest.mark.process
def test_the_example_adapter_passes_all_that_it_offers(tmp_path):
    concepts = ("lookup", "losses", "spacing", "gradients", "cosine", "initialization", "validation")
    tests = [f"tests/property/test_{concept}.py" for concept in concepts]
    table, output = verification(tmp_path, "examples.numpy_adapter:NumpyAdapter", *tests, parity.__file__)
    assert "FAILED" not in output
    verdicts = {clause: row["verdict"] for clause, row in table.items() if row["checks"]}
    whole = ("VQ-4", "VQ-6")
    missing = ("VQ-3", "VQ-7", "VQ-8", "VQ-12", "VQ-16")
    assert verdicts == {
        **dict.fromkeys(verdicts, "partly offered"),
        **dict.fromkeys(whole, "pass"),
        **dict.fromkeys(missing, "not offered"),
    }
    assert table["VQ-7"]["missing"].keys() == {"`gradients`"}
    assert "validation" in table["VQ-16"]["missing"]
