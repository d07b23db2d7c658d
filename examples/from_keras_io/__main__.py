"""Print which laws each step keeps, by the sentences that these check.

python -m examples.from_keras_io
"""

from .steps import FIRST, STEPS, broken


def main() -> None:
    """Verify each step, and print a row for it."""
    print(f"{'':20}", *(f"{step.sentence:>8}" for step in STEPS))
    for adapter in (FIRST, *(step.adapter for step in STEPS)):
        found = broken(adapter)
        print(f"{adapter.name:20}", *(f"{'breaks' if step.law in found else 'keeps':>8}" for step in STEPS))


if __name__ == "__main__":
    main()
