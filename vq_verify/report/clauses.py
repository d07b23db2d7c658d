"""The clauses of the specification, and their sentences, each a rule with a number of its own."""

import re
from pathlib import Path

import reference

SPECIFICATION = Path(reference.__file__).parent / "SPEC.md"


def clauses(text: str) -> dict[str, str]:
    r"""Return the titles of the clauses by their numbers, in order.

    Examples
    --------
    >>> clauses("# Specification\n\n## VQ-1 Distance\n\n[1.1] It is a norm.\n")
    {'VQ-1': 'Distance'}
    """
    return dict(re.findall(r"^## (VQ-\d+) (.+)$", text, re.MULTILINE))


def numbered(text: str) -> list[tuple[str, str, str]]:
    r"""Return clause, number and words of each sentence, in order: what follows its tag, up to the next or its end.

    Its end is that of a cell of a table, or a line that is empty.

    Examples
    --------
    >>> numbered("## VQ-1 Distance\n\n[1.1] It is\na norm.\n[1.2] L2 is.\n\n| p | [1.3] `|v|` | a norm |\n")
    [('VQ-1', 'VQ-1.1', 'It is a norm.'), ('VQ-1', 'VQ-1.2', 'L2 is.'), ('VQ-1', 'VQ-1.3', '`|v|`')]
    """
    found, clause = [], ""
    for it in re.finditer(
        r"^## (VQ-\d+) |\[(\d+\.\d+)\] (.+?)(?=\n\n| \||\s+(?:- )?\[\d+\.\d+\]|\s*\Z)", text, re.M | re.S
    ):
        clause = it[1] or clause
        if it[2]:
            found.append((clause, f"VQ-{it[2]}", " ".join(it[3].split())))
    return found


def clause_of(number: str) -> str:
    """Return the clause of a sentence, or of a clause, itself.

    Examples
    --------
    >>> clause_of("VQ-13.4")
    'VQ-13'
    """
    return number.partition(".")[0]


def specified() -> dict[str, str]:
    """Return the titles of the clauses of reference/SPEC.md by their numbers."""
    return clauses(SPECIFICATION.read_text())


def sentences() -> dict[str, str]:
    """Return the sentences of reference/SPEC.md by their numbers."""
    return {number: words for _, number, words in numbered(SPECIFICATION.read_text())}
