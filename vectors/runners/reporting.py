"""Reads the files, asks what is in them, and prints what is answered wrong."""

import json
import sys
from pathlib import Path

from comparing import wrong

FOLDER = Path(__file__).parents[1]


def cases(kinds):
    """Yield clause and case of all questions of these kinds, of the clauses that the command line names, if any."""
    for path in sorted(FOLDER.glob("VQ-*.json")):
        if sys.argv[1:] and path.stem not in sys.argv[1:]:
            continue
        file = json.loads(path.read_text(encoding="utf-8"))
        yield from ((file["clause"], case) for case in file["cases"] if case["kind"] in kinds)


def report(answer, kinds, known):
    """Ask all questions that have no other arguments than those known; print what is wrong, return how much."""
    asked = left_out = failed = 0
    for clause, case in cases(kinds):
        if not known(case["arguments"]):
            left_out += 1
            continue
        asked += 1
        faults = list(wrong(case["expected"], answer(case)))
        if faults:
            failed += 1
            print(f"{clause} {case['name']} ({case['level']}): {', '.join(faults)}")
    print(f"{asked} asked, {failed} wrong, {left_out} left out")
    return asked, failed
