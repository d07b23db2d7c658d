"""docs/use: the files that its pages name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/use").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_that_a_page_names_exist(page):
    text = page.read_text()
    files = re.findall(r"`((?:tests|examples|reference|vq_layer|vq_verify|vectors|docs)/[\w./-]*)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []
