"""The pages on the verdicts, made from docs/verdicts.json."""

import re
from typing import Any

_HEAD = """\
# Verdicts

From here you can see what the suite says of vector quantizers that people use, and run a program for each finding.

By version {version} of the [specification](../clauses/index.md). `make verdicts` runs it, and writes these pages and
{{download}}`verdicts.json <../verdicts.json>`.

A *profile* is what a kind of implementation answers for, and nothing else is asked. Each of these layers was written
for its own purpose, years before there was a specification, and works for the people who use it; what it never
promised is no fault. So every finding says which it is:

- a **failure** is against what the documentation of the layer says, or what any use of it needs: another embedding than
  the nearest, an output that is none, a gradient that is off, a state that is lost;
- a **choice** is a case of which it promises nothing, and which the specification decides in another way.

Each has a program of a few lines that shows it by the layer's own public interface. All of them are run whenever these
pages are written. In the tables, a check that fails is against the sentences that its reason names, each of which has
such a program.
"""
_COLUMNS = "| profile | checks passed | failed | not offered | against |\n"


def pages(data: dict[str, Any]) -> dict[str, str]:
    """Return the text of each page by its name: the index, and one for each subject."""
    subjects = data["subjects"]
    tree = "\n".join(["```{toctree}", ":hidden:", "", *map(_name, subjects), "```"])
    rows = [
        f"| [{it['name']}]({_name(key)}.md), `{_class(adapter)}` | {it['version']} {_cells(report)}"
        for key, it in subjects.items()
        for adapter, report in it["reports"].items()
    ]
    table = f"| implementation | version {_COLUMNS}|---|---|---|---|---|---|---|\n" + "\n".join(rows)
    index = f"{_HEAD.format(version=data['specification'])}\n{table}\n\n{tree}\n"
    return {"index": index, **{_name(key): _page(it) for key, it in subjects.items()}}


def sentences_in(text: str) -> set[str]:
    """Return the sentences that a text names.

    Examples
    --------
    >>> sorted(sentences_in("VQ-2.1, VQ-15.1: rounded"))
    ['VQ-15.1', 'VQ-2.1']
    """
    return set(re.findall(r"VQ-\d+\.\d+", text))


def _page(subject: dict[str, Any]) -> str:
    package = f"{subject['package']} {subject['version']}"
    rows = [f"| `{_class(adapter)}` {_cells(report)}" for adapter, report in subject["reports"].items()]
    parts = [
        "---\nhtml_theme.sidebar_secondary.remove: true\n---",  # room for cases
        f"# {subject['name']}",
        f"After this page you can say what the suite found in {package}, and run what shows it.",
        f"| adapter {_COLUMNS}|---|---|---|---|---|---|\n" + "\n".join(rows),
        *_findings(subject, "failure", "Failures"),
        *_findings(subject, "choice", "Choices"),
        *_checks(subject),
    ]
    return "\n\n".join(parts) + "\n"


def _findings(subject: dict[str, Any], kind: str, title: str) -> list[str]:
    own = [it for it in subject["findings"] if it["kind"] == kind]
    return [f"## {title}", *(_finding(subject, it) for it in own)] if own else []


def _finding(subject: dict[str, Any], it: dict[str, Any]) -> str:
    program = f"```python\n{subject['imports']}\n\n{it['program'].strip()}\n```"
    result = f"Against {_link(it['sentence'])}: it prints `{it['prints']}`; right is {it['should']}."
    return f":::{{dropdown}} {it['sentence']}: {it['happens']}\n{program}\n\n{result}\n:::"


def _checks(subject: dict[str, Any]) -> list[str]:
    rows = [
        f"| `{_class(adapter)}` | {_spaced(check)} | {it['reason']} | `{it['case']}` |"
        for adapter, report in subject["reports"].items()
        for check, it in report["failures"].items()
    ]
    table = "\n".join(["| adapter | check | since | the smallest case |", "|---|---|---|---|", *rows])
    folded = f":::{{dropdown}} All {len(rows)}, each with its smallest case\n{table}\n:::"
    return ["## Checks that fail", folded] if rows else []


def _cells(report: dict[str, Any]) -> str:
    checks = report["checks"]
    passed, failed, skipped = (sum(checks.get(name, 0) for name in names) for names in _OUTCOMES)
    named = set().union(*(sentences_in(it["reason"]) for it in report["failures"].values()))
    against = ", ".join(map(_link, sorted(named, key=_place)))
    return f"| `{report['profile']}` | {passed} | {failed} | {skipped} | {against} |"


_OUTCOMES = ("passed",), ("expected", "should"), ("skipped",)


def _link(sentence: str) -> str:
    clause, number = _place(sentence)
    return f'<a href="../clauses/vq-{clause:02}.html#vq-{clause}-{number}">{sentence}</a>'


def _place(sentence: str) -> tuple[int, int]:
    clause, _, number = sentence.removeprefix("VQ-").partition(".")
    return int(clause), int(number)


def _name(key: str) -> str:
    return key.replace("_", "-")


def _class(slug: str) -> str:
    return slug.rpartition(".")[2]


def _spaced(check: str) -> str:
    """Return the name of a check in words, which a table can wrap."""
    file, _, name = check.partition("::test_")
    function, bracket, parameters = name.partition("[")
    return f"{function.replace('_', ' ')}{f' `{bracket}{parameters}`' if bracket else ''} (`{file}`)"
