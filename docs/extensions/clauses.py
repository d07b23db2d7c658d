"""A page for each clause of the specification, made from the files that say, do, check and break it."""

import doctest
import inspect
import json
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import tests.parity
import tests.property
from extensions.differences import clearest, difference
from extensions.sources import law_target, length_of, literal, named, source_of
from extensions.wording import link, linked, links, numbered, page_of
from tests.suite.catalogue import function_of, in_words, laws_of, place_of, sentences_of
from tests.suite.faults import FAULTS
from tests.suite.faults.machinery import Faulty
from vq_verify import specification

DOCS = Path(__file__).parents[1]
PAGES = DOCS / "clauses"
VECTORS = DOCS.parent / "vectors"
UNFOLDED, UNFOLDED_LINES = 8, 45  # rows of a table, and lines of code, that a page shows unasked


class Sources(NamedTuple):
    """What docs/clauses.toml says of a clause: dotted names, and the page that teaches it."""

    taught: str
    oracle: list[str]
    tensorflow: list[str]
    example: str


def known() -> dict[str, Sources]:
    """Return what docs/clauses.toml says of each clause; one that it leaves out, or has too much, is an error."""
    written = tomllib.loads((DOCS / "clauses.toml").read_text(encoding="utf-8"))
    if written.keys() != specification.specified().keys():
        raise ValueError(
            f"docs/clauses.toml must name each clause. Wrong: {written.keys() ^ specification.specified()}"
        )
    return {clause: Sources(**{"example": it["oracle"][0], **it}) for clause, it in written.items()}


def page(clause: str, sources: Sources, laws: list[Any], faults: list[Faulty]) -> str:
    """Return the page of a clause."""
    title, text = specification.specified()[clause], specification.parts()[1][clause]
    number = len([it for it in specification.sentences().values() if it.clause == clause])
    parts = [
        "---\nhtml_theme.sidebar_secondary.remove: true\n---",  # room for two columns of code
        f"# {clause} {title}",
        f"From here you can hold an implementation to the {number} sentences on {title[0].lower() + title[1:]}"
        ", and find the code that keeps each.",
        f"{{doc}}`Taught here </{sources.taught}>`. Profiles that ask for it: {_profiles(clause)}.",
        numbered(linked(text)),
        "## In numbers\n\n" + _example(sources.example),
        _fixed_cases(clause),
        "## In code\n\n" + _side_by_side(sources),
        "## Checked by\n\n" + _laws(clause, laws),
        f"## What it catches\n\nTwo of {len(faults)} wrong implementations, as differences of the oracle's code:",
        *map(_fault, clearest(faults)),
        _all(faults),
    ]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """Return the page that holds the rest of the specification, and the list of clauses."""
    before, _, after = specification.parts()
    head = "# Specification\n\nFrom here you can find each rule of vector quantization, its code and its checks."
    tree = "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(map(page_of, specification.specified())) + "\n```"
    return f"{head}\n\n{linked(before)}\n\n## Clauses\n\n{tree}\n\n{linked(after)}\n"


def _profiles(clause: str) -> str:
    return ", ".join(f"`{name}`" for name, clauses in specification.profiles().items() if clause in clauses)


def _example(dotted: str) -> str:
    """Return the example of a docstring, which `make test` runs."""
    value = named(dotted)
    _, _, example = (inspect.getdoc(value) or "").partition("Examples\n--------\n")
    if ">>>" not in example:
        raise ValueError(f"docs/clauses.toml: {dotted} must have an example in its docstring")
    imports = f">>> import numpy as np\n>>> from {value.__module__} import *\n"
    return "\n\n".join(_pieces(f"{imports}\n{example}"))


def _pieces(text: str) -> Iterator[str]:
    """Give code and prose of an example, apart."""
    told = [it for it in doctest.DocTestParser().parse(text) if isinstance(it, doctest.Example) or it.strip()]
    for is_code, pieces in groupby(told, lambda it: isinstance(it, doctest.Example)):
        whole = "".join(_prompted(it) if isinstance(it, doctest.Example) else it for it in pieces).strip()
        yield f"```python\n{whole}\n```" if is_code else whole


def _prompted(example: doctest.Example) -> str:
    first, *others = example.source.splitlines()
    return "\n".join([f">>> {first}", *(f"... {line}" for line in others), example.want])


def _fixed_cases(clause: str) -> str:
    name = f"VQ-{int(clause.removeprefix('VQ-')):02}.json"
    number = len(json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"])
    return f"Any language can check {number} fixed cases of it: {{download}}`{name} <../../vectors/{name}>`."


def _side_by_side(sources: Sources) -> str:
    """Return the oracle's code beside that of TensorFlow, folded where it is long."""
    columns = {"The oracle": sources.oracle, "TensorFlow": sources.tensorflow}
    cells = [
        f":::{{grid-item}}\n**{head}**\n\n" + "\n\n".join(literal(source_of(name), PAGES) for name in names) + "\n:::"
        for head, names in columns.items()
    ]
    grid = "::::{grid} 1 1 2 2\n:gutter: 2\n\n" + "\n".join(cells) + "\n::::"
    longest = max(sum(length_of(source_of(name)) for name in names) for names in columns.values())
    return grid if longest <= UNFOLDED_LINES else f":::::{{dropdown}} {longest} lines side by side\n{grid}\n:::::"


def _laws(clause: str, laws: list[Any]) -> str:
    """Return the laws that cite the clause, folded where they are many."""
    own = {law: {it for it in sentences_of(law) if specification.clause_of(it) == clause} for law in laws}
    rows = [
        f"| [{in_words(law.__name__)}](#{law_target(law)}) | {links(sentences)} |" for law, sentences in own.items()
    ]
    table = "\n".join(["| law | sentences |", "|---|---|", *rows])
    return table if len(rows) <= UNFOLDED else f":::{{dropdown}} {len(rows)} laws\n{table}\n:::"


def _fault(fault: Faulty) -> str:
    return f"*{in_words(fault.name)}*, against {link(fault.sentence)}:\n\n```diff\n{difference(fault)}\n```"


def _all(faults: list[Faulty]) -> str:
    rows = [f"| {link(it.sentence)} | {in_words(it.name)} | {_catching(it)} |" for it in faults]
    table = "\n".join(["| sentence | wrong implementation | caught by |", "|---|---|---|", *rows])
    return f":::{{dropdown}} All of them, and what catches each\n{table}\n:::"


def _catching(fault: Faulty) -> str:
    laws = dict.fromkeys(map(function_of, fault.checks))
    return ", ".join(f"[{in_words(law.__name__)}](#{law_target(law)})" for law in laws)


def pages() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each page."""
    laws = laws_of(tests.property) + laws_of(tests.parity)
    for clause, sources in known().items():
        citing = [law for law in laws if any(specification.clause_of(it) == clause for it in sentences_of(law))]
        own = [it for it in FAULTS if specification.clause_of(it.sentence) == clause]
        faults = sorted(own, key=lambda it: place_of(it.sentence))
        yield PAGES / f"{page_of(clause)}.md", page(clause, sources, citing, faults)
    yield PAGES / "index.md", index()
