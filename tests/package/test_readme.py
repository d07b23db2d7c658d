"""The README: its code runs, its tests exist, its commands are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(code):
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("code", PROGRAMS)
def test_its_code_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it may write
    run(code)


@pytest.mark.long
@pytest.mark.slow
def test_its_replacement_brings_the_embeddings_into_use():
    (code,) = (code for code in PROGRAMS if "replace_embeds" in code)
    without = code.replace("session.run(out.replace_embeds)", "pass")
    used = [(run(program)["used"] > 0).mean() for program in (without, code)]
    assert used[0] < 1 / 2 < 0.9 < used[1]  # with nothing gathered, the two are equal


def test_its_commands_are_targets_of_make():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = re.findall(r"make (demo|test|lint|extended|\w+)\b(?=`|\s+#)", README)
    assert set(commands) <= set(targets)
    assert {"demo", "test", "lint"} <= set(commands)


def test_the_files_it_links_exist():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    links = re.findall(r"\]\(([\w./-]+)\)", prose)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_test_that_it_names_exists():
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"\| `(test_\w+)` \|", README)
    assert named
    assert [name for name in named if f"def {name}(" not in sources] == []
