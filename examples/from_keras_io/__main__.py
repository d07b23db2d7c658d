"""Print which laws each step keeps, by the sentences that these check.

python -m examples.from_keras_io
"""

from collections.abc import Iterable

from .steps import FIRST, STEPS, broken


def row(name: str, entries: Iterable[str]) -> str:
    """Return a row of the table."""
    return f"{name:20}" + "".join(f"{entry:>10}" for entry in entries)


def main() -> None:
    """Verify each step, and print a row for it."""
    rows = [row("", (step.sentence for step in STEPS))]
    for adapter in (FIRST, *(step.adapter for step in STEPS)):
        found = broken(adapter)
        rows.append(row(adapter.name, ("breaks" if step.law in found else "keeps" for step in STEPS)))
    print("\n".join(rows))


if __name__ == "__main__":
    main()
