"""docs/use: the files that its pages name are there, and the loop of a graph does what the page says."""

import re

import pytest

from tests.package.code_of_pages import ROOT, blocks_of, run

PAGES = sorted((ROOT / "docs/use").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_that_a_page_names_exist(page):
    text = page.read_text()
    files = re.findall(r"`((?:tests|examples|reference|vq_layer|vq_verify|vectors|docs)/[\w./-]*)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []


@pytest.mark.long
@pytest.mark.slow
def test_the_replacement_of_the_page_on_graphs_brings_the_embeddings_into_use():
    code = next(block for block in blocks_of((ROOT / "docs/use/graphs.md").read_text()) if "replace_embeds" in block)
    without = code.replace("session.run(out.replace_embeds)", "pass")
    used = [run([program], "graphs.md")["used"].mean() for program in (without, code)]
    assert used[0] < 1 / 2 < 0.9 < used[1]  # with nothing gathered, the two are equal
