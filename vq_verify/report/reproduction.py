"""What a failed check says beside its error: where it failed, by how much, and how to see it again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vq_verify.report.measurements import Measurements
from vq_verify.specification import clause_of
from vq_verify.subject import Call, Subject

_LONGEST = 20_000  # letters
_ORACLE = "vq_verify.adapters.oracle:Oracle"

_PROGRAM = """\
# Where what is verified can be imported: python - < this_file
import ml_dtypes
from numpy import array, inf, nan

from vq_verify.loading import load
from vq_verify.protocol import Case, CosineCase, NotOffered, ResidualCase, ScalarCase, Vote

{definitions}


def ask(implementation):
{calls}


for path in {paths}:
    print("#", path)
    try:
        ask(load(path))
    except (Exception, NotOffered) as error:
        print(repr(error))
"""


def explain(error: BaseException, sentences: Iterable[str], subject: Subject, measured: Measurements) -> None:
    """Add to an error what was checked, on what, by how much it failed, and a program that shows it."""
    error.add_note(f"{', '.join(sentences)} of reference/SPEC.md, {subject.name}")
    for case in _cases(subject.calls):
        error.add_note(description(case))
    for what, fraction in measured.margins.items():
        error.add_note(f"margin: the error of {what} is {fraction:.3g} of its bound")
    if subject.calls:
        error.add_note(f"To reproduce it:\n\n{program(subject.calls, [_ORACLE, subject.path])}")


def told(error: BaseException) -> dict[str, Any]:
    """Return an error in a line, and the notes that explain it; of several, the first."""
    error = _first(error)
    line = next(iter(str(error).strip().splitlines()), "")
    return {"error": f"{type(error).__name__}: {line}", "notes": [*map(_shortened, getattr(error, "__notes__", ()))]}


def _shortened(note: str) -> str:
    """Return a note, or its beginning: programs with large arrays take hundreds of pages."""
    return (
        note
        if len(note) <= _LONGEST
        else f"{note[:_LONGEST]}\n... and so on. The check alone, by --select, prints all."
    )


def blamed(error: BaseException, sentences: Iterable[str]) -> list[str]:
    """Return those of the sentences that a check cites which an error speaks against: all, unless it names clauses."""
    clauses = getattr(_first(error), "clauses", None)
    return [number for number in sentences if clauses is None or {number, clause_of(number)} & {*clauses}]


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def description(value: Any) -> str:
    """Describe a case: shapes and dtypes of its arrays, and its parameters.

    Examples
    --------
    >>> from vq_verify.protocol import Case
    >>> description(Case(x=np.zeros((1, 2, 3), np.float16), emb_space=np.zeros((4, 3), np.float32), lookup_ord=1))
    'Case(x: float16 [1, 2, 3], emb_space: float32 [4, 3], lookup_ord=1)'
    """
    return f"{type(value).__name__}({', '.join(map(_description_of_field, *_changed(value)))})"


def _description_of_field(name: str, value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{name}: {value.dtype.name} {list(value.shape)}"
    return f"{name}={description(value) if is_dataclass(value) else source(value)}"


def program(calls: Iterable[Call], paths: Iterable[str]) -> str:
    """Return the source of a program that repeats calls on implementations, and prints what they return."""
    calls = list(calls)
    names = {id(case): f"case_{i + 1}" for i, case in enumerate(_cases(calls))}
    definitions = [f"{names[id(case)]} = {source(case)}" for case in _cases(calls)]
    trainings = (f"training_{i + 1}" for i in range(len(calls)))
    lines = [f"    {_statement(call, names, trainings)}" for call in calls]
    return _PROGRAM.format(definitions="\n".join(definitions), calls="\n".join(lines), paths=(*paths,))


def _cases(calls: Iterable[Call]) -> list[Any]:
    """Return the cases among the arguments, each once."""
    return list({id(it): it for call in calls for it in call.arguments if is_dataclass(it)}.values())


def _statement(call: Call, names: dict[int, str], trainings: Iterator[str]) -> str:
    arguments = ", ".join(names.get(id(argument)) or source(argument) for argument in call.arguments)
    if call.method in ("state", "states"):
        return f"print({call.receiver}.{call.method})"
    expression = f"{call.receiver}.{call.method}({arguments})"
    if call.method in ("training", "residual_training"):
        return f"{next(trainings)} = {expression}"
    returns = call.receiver == "implementation" or call.method == "replicas_pass"
    return f"print({expression})" if returns else expression


def source(value: Any) -> str:
    """Return Python source of a value: every number of an array exactly, NaN, infinities and -0.0 included.

    Examples
    --------
    >>> print(source(np.array([[0.1, -0.0, -np.inf]], np.float32)))
    array([[0.10000000149011612, -0.0, -inf]], 'float32')
    """
    if isinstance(value, np.ndarray):
        return _source_of_array(value)
    if isinstance(value, list):
        return f"[{', '.join(map(source, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {source(of)}' for name, of in value.items())}}}"
    if is_dataclass(value):
        arguments = map("{}={}".format, *_changed(value, source))
        return f"{type(value).__name__}({', '.join(arguments)})"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _source_of_array(value: NDArray[Any]) -> str:
    dtype = "ml_dtypes.bfloat16" if value.dtype.name == "bfloat16" else repr(value.dtype.name)
    shape = f".reshape({value.shape})" if value.size == 0 else ""
    return f"array({value.tolist()!r}, {dtype}){shape}"


def _changed(value: Any, of: Any = lambda it: it) -> tuple[list[str], list[Any]]:
    """Return the names and the values of the fields that are not as by default."""
    given = {field.name: getattr(value, field.name) for field in fields(value) if _is_changed(value, field)}
    return list(given), list(map(of, given.values()))


def _is_changed(value: Any, field: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    actual = getattr(value, field.name)
    return type(actual) is not type(default) or actual != default
