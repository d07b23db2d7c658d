"""What a wrong implementation changes, as a difference of code."""

import ast
import inspect
import re
from difflib import SequenceMatcher, unified_diff
from functools import cache, partial
from textwrap import dedent
from typing import Any

from extensions.sources import named
from tests.suite.faults.machinery import Faulty

LONGEST = 18  # lines of a difference that still reads at a glance


def difference(fault: Faulty) -> str:
    """Return what the fault changes in the function that it replaces: a unified difference without its head.

    A fault of an adapter makes something else of a right result: all of it is an addition.
    """
    right, wrong = _versions(fault)
    return "\n".join(list(unified_diff(right, wrong, n=2, lineterm=""))[3:])


def clearest(faults: list[Faulty], number: int = 2) -> list[Faulty]:
    """Return the faults whose differences say most in least: of different sentences, short, and close to the code."""
    by_effort = sorted(faults, key=_effort)
    first_of_each = {fault.sentence: fault for fault in reversed(by_effort)}
    return sorted(by_effort, key=lambda it: it is not first_of_each[it.sentence])[:number]


def _effort(fault: Faulty) -> tuple[bool, bool, float]:
    right, wrong = _versions(fault)
    return not right, difference(fault).count("\n") > LONGEST, -SequenceMatcher(None, right, wrong).ratio()


@cache
def _versions(fault: Faulty) -> tuple[list[str], list[str]]:
    """Return the right lines and the wrong ones, whose first has the name and the parameters of the right one's."""
    wrong = _lines(fault.wrong)
    if fault.replaced.startswith("vq_verify.adapters"):
        return [], wrong
    right = _lines(named(fault.replaced))
    if len(_parameters(right[0])) == len(_parameters(wrong[0])):
        for ours, theirs in zip(_parameters(right[0]), _parameters(wrong[0]), strict=True):
            wrong = [re.sub(rf"\b{re.escape(theirs)}\b", ours, line) for line in wrong]
        wrong[0] = right[0]
    return right, wrong


def _parameters(line: str) -> list[str]:
    return re.findall(r"(\w+)(?:=[^,)]*)?[,)]", line.partition("(")[2])


def _lines(function: Any) -> list[str]:
    """Return the code of a function: its own text without decorators, types and what it says of itself."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    if not hasattr(function, "__code__") and not inspect.isclass(function):
        return [repr(function)]
    tree = ast.parse(dedent(inspect.getsource(function))).body[0]
    return ast.unparse(_Plain().visit(tree)).splitlines()


class _Plain(ast.NodeTransformer):
    """Leaves out decorators, annotations and docstrings."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.decorator_list, node.returns = [], None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node
