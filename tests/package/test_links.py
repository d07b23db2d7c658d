"""The check of links that `make docs` makes finds what leads nowhere."""

import sys

from tests.package.code_of_pages import ROOT


def test_links_that_lead_nowhere_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
    from extensions.links import broken  # noqa: PLC0415  found by that path

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/index.html").write_text('<p id="here">')
    good = '<a href="folder/#here"></a><a href="#top" id="top"></a><a href="https://x.org"></a><img src="data:,">'
    bad = '<a href="no.html"></a><a href="folder/#no"></a><script src="https://x.org/x.js"></script><img src="no.png">'
    (tmp_path / "good.html").write_text(good)
    (tmp_path / "bad.html").write_text(bad)
    found = ["no.html", "folder/#no", "https://x.org/x.js", "no.png"]
    assert list(broken(tmp_path)) == [f"bad.html: {link}" for link in found]
