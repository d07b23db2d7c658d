"""The clauses of the specification."""

import re
from pathlib import Path

SPECIFICATION = Path(__file__).parents[2] / "reference" / "SPEC.md"


def clauses(text: str) -> dict[str, str]:
    r"""Return the titles of the clauses by their numbers, in order.

    Examples
    --------
    >>> clauses("# Specification\n\n## VQ-1 Distance\n\nIt is a norm.\n")
    {'VQ-1': 'Distance'}
    """
    return dict(re.findall(r"^## (VQ-\d+) (.+)$", text, re.MULTILINE))


def specified() -> dict[str, str]:
    """Return those of reference/SPEC.md."""
    return clauses(SPECIFICATION.read_text())
