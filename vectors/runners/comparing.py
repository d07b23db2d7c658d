"""Compares answers with claims. Plain Python: an answer is a flat list of numbers, row-major."""

import math
import struct


def rounded(value, dtype):
    """Round a number to a dtype: to the nearest, ties to even, and to infinity beyond the largest."""
    value = float(value)
    if dtype in ("float64", "int64", "int32", "bool") or not math.isfinite(value):
        return value
    if dtype == "bfloat16":  # the upper half of a float32
        (bits,) = struct.unpack("<I", struct.pack("<f", rounded(value, "float32")))
        return struct.unpack("<f", struct.pack("<I", (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000))[0]
    code = {"float32": "<f", "float16": "<e"}[dtype]
    try:
        return struct.unpack(code, struct.pack(code, value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def holds(claim, answer):
    """Tell whether an answer is as claimed."""
    if len(answer) != math.prod(claim["shape"]):
        return False
    answer = [rounded(it, claim["dtype"]) for it in answer]
    if "one_of" in claim:
        return all(it in choices for it, choices in zip(answer, claim["one_of"], strict=True))
    if "from" in claim:
        bounds = zip(map(float, claim["from"]), map(float, claim["to"]), strict=True)
        return all(low <= it <= high for it, (low, high) in zip(answer, bounds, strict=True))
    values, errors = list(map(float, claim["value"])), claim.get("within", [0] * len(answer))
    near = all(
        it == value or (math.isnan(it) and math.isnan(value)) or abs(it - value) <= error
        for it, value, error in zip(answer, values, errors, strict=True)
    )
    signs = zip(answer, values, strict=True) if claim.get("bits") else ()
    return near and all(math.isnan(v) or math.copysign(1, it) == math.copysign(1, v) for it, v in signs)


def wrong(claims, answers, where=""):
    """Yield the names of what is not as claimed; claims may be by name or a list."""
    if isinstance(claims, dict) and "shape" in claims:
        if not holds(claims, answers):
            yield where
    else:
        if where == "losses" and list(claims) != list(answers):
            yield f"{where}: {list(answers)}"
        for name in claims if isinstance(claims, dict) else range(len(claims)):
            yield from wrong(claims[name], answers[name], f"{where} {name}".strip())
