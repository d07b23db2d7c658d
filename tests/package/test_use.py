"""docs/use: the files and the tests that its pages name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [path for path in sorted((ROOT / "docs/use").glob("*.md")) if path.name != "performance.md"]
SOURCES = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_exists(page):
    text = page.read_text()
    files = re.findall(r"`((?:tests|examples|reference|vq_layer|vq_verify|vectors|docs)/[\w./-]*)`", text)
    tests = re.findall(r"`(test_\w+)`", text)
    missing = [file for file in files if not (ROOT / file).exists()]
    assert missing + [test for test in tests if f"def {test}(" not in SOURCES] == []
