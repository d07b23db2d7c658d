"""Ask the quantizer in plain Python: ``python run_plain.py``. Copy this, and put your own quantizer in its place."""

import math
import sys

from plain_quantizer import quantize
from reporting import report

KNOWN = {"x", "emb_space", "lookup_ord", "num_splits", "weights", "mask", "estimator"}


def known(arguments):
    """Tell whether the quantizer has all arguments of a case."""
    return set(arguments) <= KNOWN


def rows_of(array):
    """Return an array as its rows, the last axis."""
    data, size = [float(it) for it in array["data"]], array["shape"][-1]
    return [data[i : i + size] for i in range(0, len(data), size)]


def unmasked(x, mask, num_splits):
    """Return for each vector whether a mask, of the first axes of x, leaves it in."""
    count = math.prod(x["shape"][:-1])
    flags = mask["data"] if mask else [True]
    return [flag for flag in flags for _ in range(count // max(len(flags), 1) * num_splits)]


def answer(case):
    """Answer a question of the kind "quantize"."""
    given = case["arguments"]
    splits = given["num_splits"]
    d = given["emb_space"]["shape"][-1]
    vectors = [row[i : i + d] for row in rows_of(given["x"]) for i in range(0, d * splits, d)]
    counted = unmasked(given["x"], given.get("mask"), splits)
    weights = {name: float(weight) for name, weight in given["weights"].items()}
    return quantize(vectors, counted, rows_of(given["emb_space"]), float(given["lookup_ord"]), weights)


if __name__ == "__main__":
    asked, failed = report(answer, ["quantize"], known)
    sys.exit(failed > 0 or asked == 0)
