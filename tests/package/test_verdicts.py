"""docs/verdicts: its pages say what docs/verdicts.json holds."""

import json
from pathlib import Path

import pytest

from verdicts.pages import pages, sentences_in

ROOT = Path(__file__).parents[2]
DATA = json.loads((ROOT / "docs/verdicts.json").read_text())
REPORTS = [(key, slug) for key, it in DATA["subjects"].items() for slug in it["reports"]]


def test_the_pages_are_those_of_the_data():
    written = {path.stem: path.read_text() for path in (ROOT / "docs/verdicts").glob("*.md")}
    assert written == pages(DATA)


@pytest.mark.parametrize(("key", "slug"), REPORTS, ids=[slug for _, slug in REPORTS])
def test_each_failure_is_expected_and_has_a_program_on_its_subjects_page(key, slug):
    subject = DATA["subjects"][key]
    failures = {check: it["reason"] for check, it in subject["reports"][slug]["failures"].items()}
    assert failures == json.loads((ROOT / f"verdicts/expected/{slug}.json").read_text())
    shown = {it["sentence"] for it in subject["findings"]}
    assert set().union(*map(sentences_in, failures.values())) <= shown
