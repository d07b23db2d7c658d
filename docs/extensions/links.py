"""Which links of a site lead nowhere."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, what it loads by itself, and the anchors that it has.

    Attributes
    ----------
    links, loaded : list of str
    anchors : set of str
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links to, and its anchors."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                (self.links if tag == "a" else self.loaded).append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken(folder: Path) -> Iterator[str]:
    """Give each link within a site that leads nowhere, and each script or style that comes from elsewhere."""
    files = [path for path in folder.rglob("*.html") if path.relative_to(folder).parts[0] != "_static"]
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in files}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links + page.loaded):
            parts = urlsplit(link)
            if parts.scheme == "data" or (link not in page.loaded and (parts.scheme or parts.netloc)):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            elsewhere = bool(parts.scheme or parts.netloc)
            known = pages[target].anchors if target in pages else {anchor}
            if elsewhere or not target.exists() or (anchor and anchor not in known):
                yield f"{path.relative_to(folder.resolve())}: {link}"
