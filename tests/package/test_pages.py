"""The pages of the site: their code runs, and each begins with what its reader will be able to do."""

import re

import pytest

from tests.package.code_of_pages import ROOT, blocks_of, run

DOCS = ROOT / "docs"
ELSEWHERE = ("_build", "api", "clauses", "gallery", "laws", "verdicts")  # generated, or run by `make verdicts`
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in ELSEWHERE]
TRAINS = ("fit(", "Session(", "training=True")


def named(path):
    page = path.relative_to(DOCS).as_posix()
    takes_long = any(it in block for block in blocks_of(path.read_text()) for it in TRAINS)
    return pytest.param(path, id=page, marks=[pytest.mark.long, pytest.mark.slow] if takes_long else [])


@pytest.mark.parametrize("path", [named(path) for path in PAGES if blocks_of(path.read_text())])
def test_the_code_of_a_page_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it may write
    run(blocks_of(path.read_text()), path.name)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_page_begins_with_a_sentence_on_what_one_can_do_after_it(path):
    found = re.search(r"^# .+\n\n((?:.+\n)+)", path.read_text(), re.MULTILINE)
    assert found is not None
    sentence = " ".join(found[1].split())
    assert re.fullmatch(r"[^.!?]+(?:\.\w[^.!?]*)*\.", sentence), sentence
    assert re.search(r"\byou can\b|\byou know\b", sentence, re.IGNORECASE), sentence


def test_the_code_of_pages_must_print_what_it_says():
    with pytest.raises(AssertionError, match="Expected:"):
        run([">>> x = 1\n>>> x\n2\n"], "page")
    assert run([">>> x = 1\n", "y = x + 1"], "page")["y"] == 2
