"""A page for each module of laws: what each says, the sentences that it cites, its source."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tests.parity
import tests.property
from extensions.sources import law_target, literal, source_of
from extensions.wording import links
from tests.suite.catalogue import in_words, laws_of, sentences_of

FOLDER = Path(__file__).parents[1] / "laws"


def pages() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each page, and of the one that lists them."""
    modules: dict[str, list[str]] = {}
    for package in (tests.property, tests.parity):
        for law in laws_of(package):
            modules.setdefault(law.__module__, []).append(_section(law))
    names = {module: module.removeprefix("tests.").replace(".test_", "-") for module in modules}
    for module, sections in modules.items():
        yield FOLDER / f"{names[module]}.md", _head(module) + "\n\n".join(sections) + "\n"
    yield FOLDER / "index.md", _INDEX + "\n".join(names.values()) + "\n```\n"


_INDEX = """# Laws

Here you can read what the suite asks of every implementation: each law, the sentences that it cites, its code.

```{toctree}
:maxdepth: 1

"""


def _head(module: str) -> str:
    kind, _, concept = module.removeprefix("tests.").partition(".test_")
    what = "is held to the specification" if kind == "property" else "is compared with the oracle"
    name = concept.replace("_", " ")
    return f"# {name[0].upper() + name[1:]} ({kind})\n\nHere you can read how {name} {what}.\n\n"


def _section(law: Any) -> str:
    source = source_of(f"{law.__module__}.{law.__name__}")
    title = in_words(law.__name__)
    text = (
        f"({law_target(law)})=\n## {title[0].upper() + title[1:]}\n\nCites {links(sentences_of(law), '../clauses/')}."
    )
    return f"{text}\n\n{literal(source, FOLDER)}"
