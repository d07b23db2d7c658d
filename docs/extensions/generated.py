"""Writes the generated pages before Sphinx reads its sources."""

import shutil
from typing import Any

from extensions import clauses, laws, performance


def write(_: Any) -> None:
    """Write all of them anew."""
    pages = dict([*clauses.pages(), *laws.pages(), *performance.fragments()])
    for folder in {path.parent for path in pages}:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call it."""
    app.connect("builder-inited", write, priority=100)
    return {"parallel_read_safe": True}
