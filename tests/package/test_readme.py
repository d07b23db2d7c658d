"""The README: its code runs, its commands and the files that it links are there."""

import re

import pytest

from tests.package.code_of_pages import ROOT, blocks_of, run

README = (ROOT / "README.md").read_text()


@pytest.mark.long
@pytest.mark.slow
def test_its_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it may write
    blocks = blocks_of(README)
    assert blocks
    run(blocks, "README.md")


def test_its_commands_are_targets_of_make():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = re.findall(r"make ([\w-]+)\b(?=`|\s+#)", README)
    assert set(commands) <= set(targets)
    assert {"demo", "test", "docs"} <= set(commands)


def test_the_files_it_links_exist():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    links = re.findall(r"\]\(([\w./-]+)\)", prose)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
