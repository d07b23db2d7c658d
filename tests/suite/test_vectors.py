"""The fixed cases in files: current, valid, answered by what is shipped, and not by what is wrong."""

import importlib
import json
import sys
from collections.abc import Iterator
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.suite.faults import FAULTS
from vq_verify.comparison import Interval
from vq_verify.loading import load
from vq_verify.specification import clause_of, level_of, sentences, specified
from vq_verify.vectors.checker import FAILED, check
from vq_verify.vectors.claims import between, exactly, fault, one_of, within
from vq_verify.vectors.encoding import array_as_json, array_of, dtype_of
from vq_verify.vectors.files import as_text, differences, files, name_of, read

FOLDER = Path(__file__).parents[2] / "vectors"
PATHS = sorted(FOLDER.glob("VQ-*.json"))
RUNNERS = FOLDER / "runners"

# Each graph takes a while to build, and most files have cases of dozens: those that have few are asked of it.
IN_A_GRAPH = ("VQ-3", "VQ-9", "VQ-10", "VQ-12", "VQ-13", "VQ-16")


def file_of(clause: str) -> Path:
    return FOLDER / name_of(clause)


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads((FOLDER / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_there_is_a_file_of_each_clause_and_all_are_small() -> None:
    assert [path.name for path in PATHS] == [name_of(clause) for clause in specified()]
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if "__pycache__" not in path.parts) < 1e6


def test_the_files_are_current() -> None:
    written = files()
    assert written.keys() == {path.name for path in PATHS}
    for path in PATHS:
        found = list(differences(read(path), json.loads(as_text(written[path.name]))))
        assert found == [], "run `make vectors`"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_files_are_valid_and_cite_what_there_is(path: Path, validator: Any) -> None:
    file = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    validator.validate(file)
    names = [case["name"] for case in file["cases"]]
    assert len(set(names)) == len(names)
    for case in file["cases"]:
        assert set(case["sentences"]) <= sentences().keys()
        assert clause_of(case["sentences"][0]) == file["clause"]
        assert case["level"] == level_of(case["sentences"])


def test_most_sentences_have_a_case() -> None:
    cited = {sentence for path in PATHS for case in read(path)["cases"] for sentence in case["sentences"]}
    # What is left is what the README lists under "What is not asked".
    assert len(cited) > 0.7 * len(sentences())


def spoiled(file: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the file with one thing wrong at a time."""
    for change in (
        lambda it: it.pop("format"),
        lambda it: it.update(format="2"),
        lambda it: it["cases"][0].update(level="perhaps"),
        lambda it: it["cases"][0].update(kind="quantise"),
        lambda it: it["cases"][0]["arguments"].update(lookup_order=2),
        lambda it: it["cases"][0]["arguments"]["x"]["data"].append("NaN"),
        lambda it: it["cases"][0]["expected"]["emb_index"].pop("value"),
        lambda it: it["cases"][0]["expected"].clear(),
    ):
        other = deepcopy(file)
        change(other)
        yield other


def test_the_schema_refuses_what_is_wrong(validator: Any) -> None:
    file = read(file_of("VQ-1"))
    validator.validate(file)
    assert [validator.is_valid(it) for it in spoiled(file)] == [False] * 8


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("adapter", ["oracle:Oracle", pytest.param("keras_layers:KerasLayers", marks=pytest.mark.long)])
def test_what_is_shipped_answers_all(adapter: str, path: Path) -> None:
    outcomes = check(load(f"vq_verify.adapters.{adapter}"), read(path))
    assert {it.name: it.faults for it in outcomes if it.faults} == {}
    assert {it.name: it.missing for it in outcomes if it.missing} == {}


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("clause", IN_A_GRAPH)
def test_the_functions_for_graphs_answer_what_they_offer(clause: str) -> None:
    outcomes = check(load("vq_verify.adapters.graph:GraphFunctions"), read(file_of(clause)))
    assert {it.name: it.faults for it in outcomes if it.faults} == {}
    assert sum(not it.missing for it in outcomes) > 4


# One of each clause: those that few cases catch.
CAUGHT = (
    "order_3_is_taken_as_2",
    "a_negative_zero_loses_its_sign",
    "the_output_passes_no_gradient_to_x",
    "access_counts_are_added_up_in_half_precision",
    "a_weight_counts_by_its_magnitude_in_the_gradients",
    "the_closest_spacing_is_to_a_later_embedding",
    "the_gradient_of_a_power_at_zero_is_nan",
    "the_stored_inputs_are_projected",
    "the_square_of_the_norm_is_at_least_an_epsilon",
    "a_threshold_of_0_is_none",
    "equal_inputs_are_all_written",
    "too_few_vectors_are_repeated",
    "an_embedding_that_is_not_finite_votes",
    "losses_and_endpoints_have_the_dtype_of_x",
    "l2_is_expanded",
    "a_weight_may_be_nan",
    "an_inference_pass_starts",
    "the_commitment_gradient_lacks_the_two_of_a_square",
    "a_rotation_stops_the_gradient_of_masked_vectors",
    "the_gradient_goes_to_the_codebook_of_another_split",
    "a_masked_zero_loses_its_sign",
    "the_first_inputs_of_a_batch_are_kept",
    "an_inference_pass_is_counted",
    "a_row_that_was_written_begins_with_nothing",
    "no_step_is_taken",
    "a_pass_of_few_vectors_counts_as_any",
    "what_is_nearly_opposite_counts_as_opposite",
    "the_sum_is_rounded_to_the_dtype_of_x_at_each_stage",
    "the_bound_is_of_the_dtype_of_x",
    "parts_start_in_the_reverse_order",
)


def test_a_wrong_implementation_of_each_clause_is_asked() -> None:
    chosen = {clause_of(it.sentence) for it in FAULTS if it.name in CAUGHT}
    assert chosen == specified().keys()


@pytest.mark.parametrize("name", CAUGHT)
@pytest.mark.filterwarnings("ignore")  # wrong arithmetic
def test_a_wrong_implementation_fails_a_case_of_its_clause(name: str) -> None:
    (wrong,) = (it for it in FAULTS if it.name == name)
    outcomes = check(wrong, read(file_of(clause_of(wrong.sentence))))
    faults = [fault for it in outcomes for fault in it.faults]
    assert faults
    assert not any(fault.startswith(FAILED) for fault in faults)  # an error would be one of the fault itself


def test_an_implementation_that_fails_is_wrong() -> None:
    class Failing:
        def quantize(self, case: Any) -> Any:
            raise ZeroDivisionError(case.lookup_ord)

    outcomes = check(Failing(), read(file_of("VQ-6")))
    assert {it.faults[0] for it in outcomes if not it.missing} >= {f"{FAILED}ZeroDivisionError: 2"}


def test_what_an_implementation_leaves_out_is_not_offered() -> None:
    class Nothing:
        validates = False

    assert all(it.missing and not it.faults for path in PATHS for it in check(Nothing(), read(path)))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "int64", "bool"])
def test_an_array_comes_back_from_its_json(dtype: str) -> None:
    numbers = [0.1, 1 / 3, -2.5, 3e4] if dtype not in ("int64", "bool") else [1, 0, 7, -3]
    array = np.array(numbers, dtype_of(dtype)).reshape(2, 2)
    back = array_of(json.loads(json.dumps(array_as_json(array), allow_nan=False)))
    np.testing.assert_array_equal(back, array, strict=True)
    empty = np.zeros((0, 3), dtype_of(dtype))
    np.testing.assert_array_equal(array_of(array_as_json(empty)), empty, strict=True)


def test_what_json_lacks_comes_back_and_so_does_the_sign_of_a_zero() -> None:
    array = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 2.0**60])
    back = array_of(json.loads(json.dumps(array_as_json(array), allow_nan=False)))
    np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(np.signbit(back[3:5]), [True, False])


@pytest.mark.parametrize(
    ("claim", "right", "wrong"),
    [
        (exactly([1.0, np.nan]), [1.0, np.nan], [1.0, 1.0]),
        (exactly([1.0, np.nan]), [1.0, np.nan], [np.nan, np.nan]),
        (exactly([np.inf]), [np.inf], [-np.inf]),
        (exactly([0.0]), [-0.0], [1e-300]),
        (exactly([-0.0], bits=True), [-0.0], [0.0]),
        (exactly([0.1], np.float32), [0.1], [0.1 + 2**-20]),  # rounded to float32 before it is compared
        (within([1.0, 2.0], [0.0, 0.5], np.float64), [1.0, 2.5], [1.25, 2.0]),
        (within([1.0, np.nan], [0.5, 0.5], np.float64), [1.5, np.nan], [1.5, 0.0]),
        (within([np.inf], [0.5], np.float64), [np.inf], [3.0]),
        (between(Interval(np.array([-1.0]), np.array([1.0])), np.float64), [1.0], [1.5]),
        (between(Interval(np.array([-1.0]), np.array([1.0])), np.float64), [0.0], [np.nan]),
        (one_of([[0, 2], [1]], (2,)), [2, 1], [1, 1]),
        (one_of([[0], [1]], (2,)), [0, 1], [0, 0]),
        (exactly([1.0, 2.0]), [1.0, 2.0], [[1.0, 2.0]]),
    ],
)
def test_a_claim_admits_what_is_right_and_nothing_else(claim: dict[str, Any], right: Any, wrong: Any) -> None:
    comparing = imported("comparing")
    for answer, is_right in ((right, True), (wrong, False)):
        assert (fault(claim, np.array(answer)) == "") is is_right
        if np.ndim(answer) == 1:  # the runners compare flat lists
            assert comparing.holds(claim, answer) is is_right


def test_a_claim_with_bits_is_of_a_dtype() -> None:
    assert fault(exactly(np.ones(1, np.float16), bits=True), np.ones(1, np.float32)) == "the dtype float32, not float16"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_runners_round_as_the_dtype_does(dtype: str) -> None:
    numbers = np.concatenate([np.linspace(-3, 3, 101), [1e-9, 3e38, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-11]])
    with np.errstate(over="ignore"):
        expected = numbers.astype(np.float32).astype(dtype_of(dtype)).astype(np.float64)
    np.testing.assert_array_equal([imported("comparing").rounded(it, dtype) for it in numbers], expected)


def test_files_differ_in_words_numbers_and_structure() -> None:
    file = {"a": [1.0, {"b": "c"}], "d": True}
    assert list(differences(file, deepcopy(file))) == []
    assert list(differences(file, {"a": [1.0 + 2**-50, {"b": "c"}], "d": True})) == []
    for other in (
        {"a": [1.0 + 2**-30, {"b": "c"}], "d": True},
        {"a": [1.0, {"b": "x"}], "d": True},
        {"a": [1.0, {"b": "c"}, 2], "d": True},
        {"a": [1.0, {"b": "c"}], "d": False},
        {"a": [1.0, {"b": "c"}]},
    ):
        assert list(differences(file, other))


def imported(name: str) -> ModuleType:
    """Import a module of the runners, which find each other in their folder."""
    sys.path.insert(0, str(RUNNERS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(RUNNERS))


def asked(monkeypatch: pytest.MonkeyPatch, name: str, kinds: list[str], clauses: tuple[str, ...]) -> tuple[int, int]:
    """Run a runner on some clauses, or on all; return how many cases it asked, and how many were wrong."""
    monkeypatch.setattr(sys, "argv", [name, *(file_of(clause).stem for clause in clauses)])
    runner = imported(name)
    found: tuple[int, int] = imported("reporting").report(runner.answer, kinds, runner.known)
    return found


def test_the_runner_in_plain_python_finds_its_quantizer_right(monkeypatch: pytest.MonkeyPatch) -> None:
    questions, failed = asked(monkeypatch, "run_plain", ["quantize"], ())
    assert questions > 120
    assert failed == 0


def test_the_runner_finds_a_wrong_quantizer_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imported("plain_quantizer"), "nearest", lambda row: len(row) - 1)
    assert asked(monkeypatch, "run_plain", ["quantize"], ("VQ-2",))[1] > 10


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_the_runner_in_pytorch_finds_its_quantizer_right(monkeypatch: pytest.MonkeyPatch) -> None:
    questions, failed = asked(monkeypatch, "run_torch", ["quantize", "gradients"], ())
    assert questions > 150
    assert failed == 0


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")
def test_the_runner_in_jax_finds_its_quantizer_right(monkeypatch: pytest.MonkeyPatch) -> None:
    imported("jax").config.update("jax_enable_x64", True)
    questions, failed = asked(monkeypatch, "run_jax", ["quantize", "gradients"], ("VQ-3", "VQ-7"))
    assert questions > 20
    assert failed == 0


@pytest.mark.parametrize("path", sorted(RUNNERS.glob("*.py")), ids=lambda path: path.stem)
def test_a_runner_is_under_60_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 60
