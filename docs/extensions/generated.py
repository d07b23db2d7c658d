"""Writes the generated pages before Sphinx reads its sources."""

from typing import Any

from extensions import clauses, laws, performance


def write(_: Any) -> None:
    """Write pages where they differ from what is there, so that Sphinx reads again only what is new; remove others."""
    pages = dict([*clauses.pages(), *laws.pages(), *performance.fragments()])
    for folder in {path.parent for path in pages}:
        folder.mkdir(exist_ok=True)
        for path in set(folder.iterdir()) - pages.keys():
            path.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call it."""
    app.connect("builder-inited", write, priority=100)
    return {"parallel_read_safe": True}
