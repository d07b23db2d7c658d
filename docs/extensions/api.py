"""What the API pages say that Sphinx does not know: methods that are our own, arguments of layers, and clauses."""

import inspect
import re
from pathlib import Path
from typing import Any

from sphinx.ext.autosummary import import_by_name
from sphinx.ext.autosummary.generate import find_autosummary_in_files
from sphinx.util.inspect import signature, stringify_signature

from extensions.wording import page_of
from vq_verify import specification

PAGES = Path(__file__).parents[1] / "api"
PACKAGES = "vq_layer", "reference", "vq_verify"
# What layers and parts ask of themselves.
INNER = "vq_layer.layers.on_demand", "vq_layer.layers.vector_layer", "vq_layer.parts.part"


def listed() -> list[str]:
    """Return the full names that the API pages list."""
    return [entry.name for entry in find_autosummary_in_files([str(path) for path in sorted(PAGES.glob("*.rst"))])]


def methods(kind: type) -> list[str]:
    """Return the methods and properties of a class that are our own, and no part of what Keras asks of any.

    Examples
    --------
    >>> import reference
    >>> methods(reference.Nearest)
    ['choose']
    """
    ours = [base for base in reversed(kind.__mro__) if base.__module__.partition(".")[0] in PACKAGES]
    known = {name for base in kind.__mro__ if base not in ours or base.__module__ in INNER for name in vars(base)}
    members = {name: member for base in ours for name, member in vars(base).items()}
    return [name for name, it in members.items() if name not in known and not name.startswith("_") and _is_method(it)]


def _is_method(member: Any) -> bool:
    of_kind = inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod)
    return of_kind and bool(inspect.getdoc(member))


def tell(app: Any) -> None:
    """Give the templates the methods of each class."""
    values = {name: import_by_name(name)[1] for name in listed()}
    app.config.autosummary_context = {
        "own": {name: methods(value) for name, value in values.items() if inspect.isclass(value)}
    }


def arguments(_app: Any, kind: str, _name: str, value: Any, *_: Any) -> tuple[str, str] | None:
    """Return the signature of a layer, for which Keras says ``(*args, **kwargs)``, as does Python for a protocol."""
    if getattr(value, "_is_protocol", False):
        return "", ""
    if kind != "class" or not any(base.__module__.startswith("keras.") for base in value.__mro__):
        return None
    return stringify_signature(signature(value.__init__, bound_method=True), show_annotation=False), ""


def link(_app: Any, _kind: str, _name: str, _value: Any, _options: Any, lines: list[str]) -> None:
    """Make the clauses and sentences that a docstring mentions links to their pages."""
    lines[:] = [re.sub(r"`+[^`]*`+|VQ-\d+(?:\.\d+)?", _linked, line) for line in lines]


def _linked(found: re.Match[str]) -> str:
    if found[0].startswith("`"):
        return found[0]
    return f":doc:`{found[0]} </clauses/{page_of(specification.clause_of(found[0]))}>`"


def skip(_app: Any, _kind: str, _name: str, member: Any, *_: Any) -> bool | None:
    """Leave out what Python says of the fields of a named tuple, of which the docstring of the tuple says more."""
    return True if (inspect.getdoc(member) or "").startswith("Alias for field number") else None


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call them, the first before autosummary writes its pages."""
    app.connect("builder-inited", tell, priority=100)
    app.connect("autodoc-process-signature", arguments)
    app.connect("autodoc-process-docstring", link)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
