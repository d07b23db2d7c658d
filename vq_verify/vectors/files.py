"""The files: put together from the questions, written, read, and compared."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from vq_verify.specification import specified, version
from vq_verify.vectors import families
from vq_verify.vectors.encoding import NUMBERS, Json
from vq_verify.vectors.questions import Question

FORMAT = "1"

# What libraries of linear algebra may make of one decomposition in float64: far below any bound in float32, and above
# what they were seen to part by.
_AGREEMENT = 2.0**-40


@lru_cache
def questions() -> tuple[Question, ...]:
    """Return all questions, those of a clause together, in the order in which the families have them."""
    names = (f"{families.__name__}.{it.name}" for it in pkgutil.iter_modules(families.__path__))
    modules = map(importlib.import_module, names)
    found = [question for module in modules if hasattr(module, "questions") for question in module.questions()]
    order = list(specified())
    return tuple(sorted(found, key=lambda it: order.index(it.clause)))


def files() -> dict[str, Json]:
    """Return the files by their names."""
    titles = specified()
    of_clauses = groupby(questions(), key=lambda it: it.clause)
    return {name_of(clause): _file(clause, titles[clause], list(of_clause)) for clause, of_clause in of_clauses}


def name_of(clause: str) -> str:
    """Return the name of the file of a clause.

    Examples
    --------
    >>> name_of("VQ-2")
    'VQ-02.json'
    """
    return f"VQ-{int(clause.removeprefix('VQ-')):02}.json"


def _file(clause: str, title: str, of_clause: list[Question]) -> Json:
    return {
        "format": FORMAT,
        "specification": version(),
        "clause": clause,
        "title": title,
        "numbers": NUMBERS,
        "cases": [question.as_json() for question in of_clause],
    }


def write(folder: Path) -> None:
    """Write all files, and remove those of clauses that have none any more."""
    folder.mkdir(parents=True, exist_ok=True)
    written = files()
    for path in folder.glob("VQ-*.json"):
        if path.name not in written:
            path.unlink()
    for name, file in written.items():
        (folder / name).write_text(as_text(file) + "\n")


def read(path: Path) -> Json:
    """Read a file."""
    file: Json = json.loads(path.read_text())
    return file


def as_text(value: Any, indent: str = "") -> str:
    """Return JSON with an array, and what else has nothing in it that is worth a line, on a line."""
    flat = json.dumps(value, allow_nan=False)
    deeper = indent + " "
    if isinstance(value, dict) and "shape" not in value and any(isinstance(it, dict | list) for it in value.values()):
        lines = [f"{deeper}{json.dumps(name)}: {as_text(it, deeper)}" for name, it in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(it, dict) for it in value):
        return "[\n" + ",\n".join(deeper + as_text(it, deeper) for it in value) + f"\n{indent}]"
    return flat


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Say where two files part: in structure or words, or in numbers by more than libraries of float64 do."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            yield f"{where}: {sorted(one.keys() ^ other.keys())}"
        for name in one.keys() & other.keys():
            yield from differences(one[name], other[name], f"{where} {name}")
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{where}: {len(one)} and {len(other)}"
        for i, pair in enumerate(zip(one, other, strict=False)):
            yield from differences(*pair, f"{where}[{i}]")
    elif _is_number(one) and _is_number(other):
        if abs(one - other) > _AGREEMENT * max(abs(one), abs(other)):
            yield f"{where}: {one} and {other}"
    elif one != other:
        yield f"{where}: {one} and {other}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
