"""The specification as it stands in reference/SPEC.md: clauses, their sentences, levels and profiles, by number."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import reference

SPECIFICATION = Path(reference.__file__).parent / "SPEC.md"

# From the strongest on: what an implementation has to do, what it does if nothing speaks against it, and what it may
# leave out, but not do in another way.
LEVELS = ("must", "may", "should")


class Sentence(NamedTuple):
    """A rule of the specification.

    Attributes
    ----------
    clause, number : str
        As "VQ-13" and "VQ-13.4".
    level : {"must", "should", "may"}
    words : str
    """

    clause: str
    number: str
    level: str
    words: str


def clauses(text: str) -> dict[str, str]:
    r"""Return the titles of the clauses by their numbers, in order.

    Examples
    --------
    >>> clauses("# Specification\n\n## VQ-1 Distance\n\n[1.1] It is a norm.\n")
    {'VQ-1': 'Distance'}
    """
    return dict(re.findall(r"^## (VQ-\d+) (.+)$", text, re.MULTILINE))


def numbered(text: str) -> list[Sentence]:
    r"""Return the sentences, in order: what follows their tags, up to the next or the end.

    Its end is that of a cell of a table, or a line that is empty.

    Examples
    --------
    >>> found = numbered("## VQ-1 Distance\n\n[1.1] It is\na norm.\n[1.2 may] L2 is.\n\n| p | [1.3] `|v|` | norm |\n")
    >>> [(it.number, it.level, it.words) for it in found]
    [('VQ-1.1', 'must', 'It is a norm.'), ('VQ-1.2', 'may', 'L2 is.'), ('VQ-1.3', 'must', '`|v|`')]
    """
    found, clause = [], ""
    sentence = r"\[(\d+\.\d+)(?: (should|may))?\] (.+?)(?=\n\n| \||\s+(?:- )?\[\d+\.\d+|\s*\Z)"
    for it in re.finditer(rf"^## (VQ-\d+) |{sentence}", text, re.M | re.S):
        clause = it[1] or clause
        if it[2]:
            found.append(Sentence(clause, f"VQ-{it[2]}", it[3] or "must", " ".join(it[4].split())))
    return found


def profiles_of(text: str) -> dict[str, frozenset[str]]:
    r"""Return the clauses that each profile answers for: the rows of the table of profiles.

    Examples
    --------
    >>> table = "| `lookup` | to search | VQ-1 |\n| `layer` | to use | `lookup`, VQ-3 to VQ-5 |\n"
    >>> {name: sorted(clauses) for name, clauses in profiles_of(table).items()}
    {'lookup': ['VQ-1'], 'layer': ['VQ-1', 'VQ-3', 'VQ-4', 'VQ-5']}
    """
    found: dict[str, frozenset[str]] = {}
    for name, answers in re.findall(r"^\| `(\w+)` \| [^|]+ \| ((?:`\w+`|VQ-)[^|]+) \|$", text, re.M):
        ranges = re.findall(r"VQ-(\d+)(?: to VQ-(\d+))?", answers)
        own = {f"VQ-{number}" for first, last in ranges for number in range(int(first), int(last or first) + 1)}
        found[name] = frozenset(own).union(*(found[it] for it in re.findall(r"`(\w+)`", answers)))
    return found


def version_of(text: str) -> str:
    r"""Return the version of the specification.

    Examples
    --------
    >>> version_of("# Specification\n\nVersion 1.0.\n")
    '1.0'
    """
    return re.findall(r"^Version (\d+\.\d+)\.$", text, re.MULTILINE)[0]


def parts_of(text: str) -> tuple[str, dict[str, str], str]:
    r"""Return what stands before the clauses, the text of each without its title, and what stands after them.

    Examples
    --------
    >>> parts_of("# S\n\nWords.\n\n## VQ-1 Distance\n\n[1.1] A norm.\n\n## Versions\n\n- 1.0\n")
    ('Words.', {'VQ-1': '[1.1] A norm.'}, '## Versions\n\n- 1.0')
    """
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    heads = [re.match(r"## (VQ-\d+) .*\n", it) for it in sections]
    found = {head[1]: it[head.end() :].strip() for head, it in zip(heads, sections, strict=True) if head}
    others = [it for head, it in zip(heads, sections, strict=True) if not head]
    return others[0].partition("\n")[2].strip(), found, "".join(others[1:]).strip()


def clause_of(number: str) -> str:
    """Return the clause of a sentence, or of a clause, itself.

    Examples
    --------
    >>> clause_of("VQ-13.4")
    'VQ-13'
    """
    return number.partition(".")[0]


@cache
def _text() -> str:
    return SPECIFICATION.read_text(encoding="utf-8")


def specified() -> dict[str, str]:
    """Return the titles of the clauses of reference/SPEC.md by their numbers."""
    return clauses(_text())


def parts() -> tuple[str, dict[str, str], str]:
    """Return what stands before the clauses of reference/SPEC.md, the text of each, and what stands after them."""
    return parts_of(_text())


@cache
def sentences() -> dict[str, Sentence]:
    """Return the sentences of reference/SPEC.md by their numbers."""
    return {it.number: it for it in numbered(_text())}


@cache
def profiles() -> dict[str, frozenset[str]]:
    """Return the clauses that each profile of reference/SPEC.md answers for."""
    return profiles_of(_text())


def version() -> str:
    """Return the version of reference/SPEC.md."""
    return version_of(_text())


def level_of(numbers: Iterable[str]) -> str:
    """Return the strongest level among sentences: that of a check which cites them; of none, a must.

    Examples
    --------
    >>> level_of(["VQ-4.2", "VQ-14.5"]), level_of(["VQ-4.1", "VQ-4.2"])
    ('should', 'must')
    """
    levels = {sentences()[number].level for number in numbers if number in sentences()}
    return next((level for level in LEVELS if level in levels), "must")
