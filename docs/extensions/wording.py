"""Text of the specification as pages show it: numbers are anchors, and mentions of them links."""

import re
from collections.abc import Iterable

from tests.suite.catalogue import place_of
from vq_verify import specification


def page_of(clause: str) -> str:
    """Return the name of the page of a clause.

    Examples
    --------
    >>> page_of("VQ-2")
    'vq-02'
    """
    return f"vq-{int(clause.removeprefix('VQ-')):02}"


def link(number: str, folder: str = "") -> str:
    """Return a link to a clause or a sentence, whose page is in the folder.

    Examples
    --------
    >>> link("VQ-2.3")
    '<a href="vq-02.html#vq-2-3">VQ-2.3</a>'
    """
    clause = specification.clause_of(number)
    anchor = "" if number == clause else f"#{number.lower().replace('.', '-')}"
    return f'<a href="{folder}{page_of(clause)}.html{anchor}">{number}</a>'


def links(numbers: Iterable[str], folder: str = "") -> str:
    """Return links to clauses or sentences, in their order."""
    return ", ".join(link(it, folder) for it in sorted(numbers, key=place_of))


def linked(text: str) -> str:
    """Return a text, whose mentions of clauses and sentences are links.

    Examples
    --------
    >>> linked("as in VQ-2.3, by `VQ-2`")
    'as in <a href="vq-02.html#vq-2-3">VQ-2.3</a>, by `VQ-2`'
    """
    return re.sub(r"`[^`]*`|VQ-\d+(?:\.\d+)?", lambda it: it[0] if it[0].startswith("`") else link(it[0]), text)


def numbered(text: str) -> str:
    """Return a text, whose numbers are anchors; each sentence at the start of a line stands apart.

    Examples
    --------
    >>> numbered("[2.3 may] Ties.")
    '<span class="sentence" id="vq-2-3">2.3 may</span> Ties.'
    """
    apart = re.sub(r"(?<!\n)\n(?=\[\d+\.\d+)", "\n\n", text)
    tag = r"\[((\d+)\.(\d+)(?: should| may)?)\]"
    return re.sub(tag, r'<span class="sentence" id="vq-\2-\3">\1</span>', apart)
