"""docs/many_machines.md: what it computes is what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/many_machines.md").read_text()


def test_its_arithmetic_holds():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    assert all("assert " in block for block in blocks)
    exec(compile("\n".join(blocks), "many_machines.md", "exec"), {})


def test_the_files_it_names_exist():
    links = re.findall(r"\]\((\.\./[\w./-]+)\)", PAGE)
    assert links
    named = re.findall(r"`(tests/[\w./]+)`", PAGE)
    assert named
    assert [it for it in [*(f"docs/{link}" for link in links), *named] if not (ROOT / it).exists()] == []
