"""Asks an implementation the questions of a file, and says what is wrong with the answers."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from vq_verify.offers import NotOffered
from vq_verify.subject import Subject
from vq_verify.vectors import arguments as of
from vq_verify.vectors.claims import fault
from vq_verify.vectors.encoding import Json, array_as_json, array_of, dtype_of

FAILED = "it failed: "  # how the fault of an implementation begins that raised an error


class Outcome(NamedTuple):
    """What came of one question.

    Attributes
    ----------
    name : str
        Clause and name of the question.
    faults : list of str
        What is wrong with the answer, in words; empty if nothing is.
    missing : str
        What is not offered; empty if nothing is.
    """

    name: str
    faults: list[str]
    missing: str = ""


def check(implementation: Any, file: Json) -> list[Outcome]:
    """Ask an implementation all questions of a file."""
    subject = Subject.of(implementation)
    return [_outcome(subject, file["clause"], question) for question in file["cases"]]


def _outcome(subject: Subject, clause: str, question: Json) -> Outcome:
    name = f"{clause} {question['name']}"
    try:
        return Outcome(name, list(_ASKED[question["kind"]](subject, question["arguments"], question["expected"])))
    except NotOffered as missing:
        return Outcome(name, [], missing.what)
    except Exception as error:  # of the implementation, whatever it is
        return Outcome(name, [f"{FAILED}{type(error).__name__}: {error}"])


def _compared(claims: Any, answer: Any, where: str = "") -> Iterator[str]:
    """Compare an answer with its claims: names and lists one by one, arrays by `fault`."""
    if isinstance(claims, list):
        if len(claims) != len(answer):
            yield f"{where}: {len(answer)}, not {len(claims)}"
        for i, (claim, part) in enumerate(zip(claims, answer, strict=False)):
            yield from _compared(claim, part, f"{where}[{i}]")
    elif "shape" in claims:
        if wrong := fault(claims, answer):
            yield f"{where}: {wrong}"
    else:
        if where.startswith("loss") and list(answer) != list(claims):
            yield f"{where}: {list(answer)}, not {list(claims)}"
        for name, claim in claims.items():
            yield from _compared(claim, answer[name], f"{where} {name}".strip())


def _named(result: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(result, name) for name in names}


def _quantize(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    yield from _compared(claims, _named(subject.quantize(of.case_of(given)), claims))


def _gradients(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    result = subject.gradients(of.case_of(given), array_of(given["upstream"]))
    yield from _compared(claims, _named(result, claims))


def _quantize_cosine(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    yield from _compared(claims, _named(subject.quantize_cosine(of.cosine_case_of(given)), claims))


def _cosine_gradients(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    case = of.cosine_case_of({name: it for name, it in given.items() if name != "upstream"})
    yield from _compared(claims, _named(subject.cosine_gradients(case, array_of(given["upstream"])), claims))


def _quantize_scalar(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    yield from _compared(claims, _named(subject.quantize_scalar(of.scalar_case_of(given)), claims))


def _scalar_gradients(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    case = of.scalar_case_of({name: it for name, it in given.items() if name != "upstream"})
    yield from _compared(claims, _named(subject.scalar_gradients(case, array_of(given["upstream"])), claims))


def _decode_scalar(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    known = {name: given[name] for name in ("levels", "num_splits")}
    x = np.zeros((1, 1, len(given["levels"]) * given["num_splits"]), dtype_of(given["dtype"]))
    case = of.scalar_case_of({**known, "x": array_as_json(x)})
    yield from _compared(claims, {"layer_out": subject.decode_scalar(case, array_of(given["emb_index"]))})


def _decode(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    emb_space = array_of(given["emb_space"])
    x = np.zeros((1, 1, emb_space.shape[1] * given["num_splits"]), dtype_of(given["dtype"]))
    case = of.case_of({}, x=x, emb_space=emb_space, num_splits=given["num_splits"], weights={})
    yield from _compared(claims, {"layer_out": subject.decode(case, array_of(given["emb_index"]))})


def _residual(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    yield from _compared(claims, _named(subject.quantize_residual(of.residual_case_of(given)), claims))


def _residual_gradients(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    result = subject.residual_gradients(of.residual_case_of(given), array_of(given["upstream"]))
    yield from _compared(claims, _named(result, claims))


def _encode_residual(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    codes = subject.encode_residual(of.residual_case_of(given), given["num_stages"])
    yield from _compared(claims, {"emb_index": codes})


def _decode_residual(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    q = given["emb_spaces"]["shape"][-1] * given["num_splits"]
    x = np.zeros((1, 1, q), dtype_of(given["dtype"]))
    case = of.residual_case_of(given, x=x)
    yield from _compared(claims, {"layer_out": subject.decode_residual(case, array_of(given["emb_index"]))})


def _training(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    steps = given["steps"]
    case = of.case_of(given, x=_first_input(steps), replicas=any("parts" in step for step in steps))
    trained = subject.training(case, given.get("num_embeds_replaced", 1))
    for i, (step, claim) in enumerate(zip(steps, claims["steps"], strict=True)):
        yield from _taken(trained, step, claim, f"step {i + 1}:")
        yield from _compared(claim["state"], trained.state, f"step {i + 1}:")


def _taken(trained: Any, step: Json, claim: Json, where: str) -> Iterator[str]:
    if "parts" in step:
        masks = [None if mask is None else array_of(mask) for mask in step["masks"]]
        results = trained.replicas_pass([array_of(part) for part in step["parts"]], masks)
        answers = [_named(it, ("layer_out", "losses")) for it in results]
        yield from _compared(claim["replicas"], answers, f"{where} replica")
        return
    inputs = [array_of(step[name]) for name in ("x", "mask") if name in step]
    if "refused" not in step:
        getattr(trained, step["do"])(*inputs)
        return
    try:
        getattr(trained, step["do"])(*inputs)
    except NotOffered:
        raise
    except Exception:  # whatever the implementation calls it
        return
    yield f"{where} it was not refused"


def _first_input(steps: list[Json]) -> Any:
    """Return the first input of a training, which gives dtype and shape."""
    return next(array_of(it) for step in steps for it in [step["parts"][0] if "parts" in step else step.get("x")] if it)


def _residual_training(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    case = of.residual_case_of(given, x=_first_input(given["steps"]))
    trained = subject.residual_training(case, given.get("num_embeds_replaced", 1))
    for i, (step, claim) in enumerate(zip(given["steps"], claims["steps"], strict=True)):
        trained.training_pass(*(array_of(step[name]) for name in ("x", "mask") if name in step))
        yield from _compared(claim["states"], trained.states, f"step {i + 1}:")


def _invalid(subject: Subject, given: Json, claims: Json) -> Iterator[str]:
    """Expect an error that names the argument."""
    if not subject.validates:
        raise NotOffered("validation")
    asked = {name: it for name, it in given.items() if name != "kind"}
    unclaimed: Json = {"steps": [{"state": {}} for _ in asked["steps"]]} if "steps" in asked else {}
    try:
        list(_ASKED[given["kind"]](subject, asked, unclaimed))
    except (ValueError, TypeError) as error:
        if not re.search(rf"\b{claims['refused']}\b", str(error)):
            yield f"the error does not name {claims['refused']}: {error}"
    else:
        yield f"{claims['refused']} was not refused"


_ASKED: dict[str, Callable[[Subject, Json, Json], Iterator[str]]] = {
    "quantize": _quantize,
    "gradients": _gradients,
    "quantize_cosine": _quantize_cosine,
    "cosine_gradients": _cosine_gradients,
    "quantize_scalar": _quantize_scalar,
    "scalar_gradients": _scalar_gradients,
    "decode_scalar": _decode_scalar,
    "decode": _decode,
    "quantize_residual": _residual,
    "residual_gradients": _residual_gradients,
    "encode_residual": _encode_residual,
    "decode_residual": _decode_residual,
    "training": _training,
    "residual_training": _residual_training,
    "invalid": _invalid,
}
