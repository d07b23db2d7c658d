"""Where code stands, as pages of the site include and name it."""

import ast
import importlib
import os
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Source(NamedTuple):
    """A function or class in a file of the project."""

    path: Path
    name: str


def source_of(dotted: str) -> Source:
    """Return where a dotted name is defined, without importing its module.

    Examples
    --------
    >>> source_of("reference.reduction.Projection.apply").name
    'Projection.apply'
    """
    parts = dotted.split(".")
    for i in range(len(parts) - 1, 0, -1):
        path = ROOT.joinpath(*parts[:i]).with_suffix(".py")
        if path.exists():
            return Source(path, ".".join(parts[i:]))
    raise ValueError(f"no module of the project holds {dotted}")


def named(dotted: str) -> Any:
    """Return what a dotted name stands for: in a module, or in a class of one."""
    try:
        return importlib.import_module(dotted)
    except ImportError:
        scope, _, name = dotted.rpartition(".")
        return getattr(named(scope), name)


def length_of(source: Source) -> int:
    """Return the number of lines of a function or class."""
    scope: Any = ast.parse(source.path.read_text(encoding="utf-8"))
    for name in source.name.split("."):
        scope = next(it for it in scope.body if getattr(it, "name", None) == name)
    return int(scope.end_lineno - scope.lineno + 1)


def relative(path: Path, folder: Path) -> str:
    """Return a path as a page in the folder names it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def literal(source: Source, folder: Path) -> str:
    """Return the directive by which a page in the folder includes the source."""
    lines = [
        f"```{{literalinclude}} {relative(source.path, folder)}",
        f":pyobject: {source.name}",
        f":caption: {relative(source.path, ROOT)}",
        *([":dedent: 4"] if "." in source.name else []),
        "```",
    ]
    return "\n".join(lines)


def law_target(law: Any) -> str:
    """Return the name by which pages link to a law."""
    return f"{law.__module__.removeprefix('tests.')}.{law.__name__}".replace(".", "-").replace("_", "-")
