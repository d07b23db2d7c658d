"""What a program of XLA, as its compiler leaves it, launches: kernels, steps of loops, and the arrays between them."""

import math
import re
from typing import NamedTuple

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.-]+ = (\(.*?\)|\S+) ([a-z][\w-]*)\((.*)$")
_ARRAY = re.compile(r"[a-z]+(\d*)\[([\d,]*)\]")
_LAUNCH_NOTHING = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}


class Count(NamedTuple):
    """What one run launches.

    Attributes
    ----------
    kernels : int
        Fusions, products and whatever else runs by itself, each as often as the loops that it is in.
    steps : int
        Of loops, of which each takes one at least.
    largest : int
        The size of the largest array that one kernel leaves to another, in bytes.
    """

    kernels: int
    steps: int
    largest: int


class _Instruction(NamedTuple):
    result: str
    opcode: str
    arguments: str

    @property
    def largest(self) -> int:
        """The size of the largest array of the result, in bytes."""
        arrays = _ARRAY.findall(self.result)
        lengths = ([int(length) for length in axes.split(",") if length] for _, axes in arrays)
        bits = (int(width or 8) for width, _ in arrays)  # a "pred" names none
        return max((width // 8 * math.prod(axes) for width, axes in zip(bits, lengths, strict=True)), default=0)

    @property
    def trips(self) -> int:
        """The number of steps of a loop; 1 where only a run tells."""
        known = re.search(r'known_trip_count":\{"n":"(\d+)"', self.arguments)
        return int(known[1]) if known else 1

    def called(self, *attributes: str) -> list[str]:
        """Return the names of the computations in these attributes."""
        found = re.findall(rf"\b(?:{'|'.join(attributes)})=(\{{[^}}]*\}}|[^\s,]+)", self.arguments)
        return [name.strip("%{} ") for names in found for name in names.split(",")]


def count(text: str) -> Count:
    """Count what the program launches; of branches, those that launch least."""
    computations, entry = _parsed(text)

    def of(name: str) -> Count:
        return _total(map(of_instruction, computations[name]))

    def of_instruction(instruction: _Instruction) -> Count:
        if instruction.opcode == "while":
            inner, trips = _total(map(of, instruction.called("condition", "body"))), instruction.trips
            return Count(trips * inner.kernels, trips * (inner.steps + 1), inner.largest)
        if instruction.opcode == "conditional":
            return min(map(of, instruction.called("branch_computations", "true_computation", "false_computation")))
        if instruction.opcode == "call":
            return _total(map(of, instruction.called("to_apply")))
        return Count(instruction.opcode not in _LAUNCH_NOTHING, 0, instruction.largest)

    return of(entry)


def _total(counts: "map[Count]") -> Count:
    listed = list(counts)
    return Count(
        sum(one.kernels for one in listed),
        sum(one.steps for one in listed),
        max((one.largest for one in listed), default=0),
    )


def _parsed(text: str) -> tuple[dict[str, list[_Instruction]], str]:
    """Return the instructions of each computation, and the name of the one that a run begins with."""
    computations: dict[str, list[_Instruction]] = {}
    entry = name = ""
    for line in text.splitlines():
        if begins := _COMPUTATION.match(line):
            name = begins[2]
            computations[name] = []
            entry = name if begins[1] else entry
        elif found := _INSTRUCTION.match(line):
            computations[name].append(_Instruction(*found.groups()))
    return computations, entry
