"""The code of a page: its blocks of Python, run in one namespace."""

import doctest
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^(?P<fence>`{3,})python\n(?P<code>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)


def blocks_of(text: str) -> list[str]:
    r"""Return the blocks of Python of a page, in order.

    Examples
    --------
    >>> blocks_of("Words.\n\n```python\n>>> 1 + 1\n2\n```\n\n```sh\nmake\n```\n")
    ['>>> 1 + 1\n2\n']
    """
    return [it["code"] for it in _BLOCK.finditer(text)]


def run(blocks: list[str], name: str) -> dict[str, Any]:
    """Run blocks one after another and return what they leave; those with prompts must print what they say.

    Raises
    ------
    AssertionError
        With what was expected, and what came.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    for block in blocks:
        if ">>> " not in block:
            exec(compile(block, name, "exec"), names)
            continue
        told: list[str] = []
        example = doctest.DocTestParser().get_doctest(block, names, name, name, 0)
        example.globs = names  # which the parser copies
        runner.run(example, out=told.append, clear_globs=False)
        assert not told, "".join(told)
    return names
