"""What the laws draw: how often each value of each parameter comes, and which never come together.

``python -m tests.suite.coverage`` prints both tables, over 300 draws of each strategy for the oracle.
"""

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import hypothesis
import numpy as np

import tests.parity
import tests.property
from tests.suite.catalogue import modules_of
from vq_verify.adapters.oracle import Oracle
from vq_verify.cases import Case, CosineCase
from vq_verify.subject import Subject

# A word for each value of an aspect, by kind of case; None is no word.
Aspects = Mapping[str, Callable[[Any], str | None]]


def size(number: int, most: int | None = None) -> str:
    """Return 0, 1, 2 or "more", or "all" for as many as there can be.

    Examples
    --------
    >>> [size(number, most=4) for number in range(5)]
    ['0', '1', 'more', 'more', 'all']
    """
    return "all" if number == most and most > 1 else str(number) if number < 2 else "more"


def weight(number: float) -> str:
    """Return a word for a weight."""
    return "0" if number == 0 else "tiny" if 0 < number < 1e-6 else "negative" if number < 0 else "positive"


def finite(vectors: Any) -> str:
    """Tell which of some vectors, ``[M, d]``, are finite."""
    known = np.isfinite(np.asarray(vectors, np.float64)).all(axis=-1)
    return "all" if known.all() else "some" if known.any() else "none"


def threshold(case: CosineCase) -> str | None:
    """Return a word for the threshold of a vote."""
    if case.vote is None:
        return None
    it, reached = case.vote.majority_threshold, np.arange(1, case.vote.k + 1) / case.vote.k
    edge = "a share" if it in reached else "just above" if np.nextafter(it, 0) in reached else "between"
    return "without" if it < 0 else "0" if it == 0 else "over 1" if it > 1.01 else edge


COMMON: Aspects = {
    "dtype": lambda it: it.x.dtype.name,
    "batch": lambda it: size(len(it.x)),
    "r": lambda it: size(it.x.shape[1]),
    "num_splits": lambda it: size(it.num_splits),
    "n": lambda it: size(it.emb_space.shape[-2]),
    "d": lambda it: size(it.emb_space.shape[-1]),
    "dim_reduction": lambda it: str(it.dim_reduction),
    "components": lambda it: it.dim_reduction and size(it.num_dim_reduction_components, it.emb_space.shape[-1]),
    "finite x": lambda it: finite(it.x.reshape(-1, it.emb_space.shape[-1])),
    "finite E": lambda it: finite(it.emb_space),
}

OF_CASES: Aspects = {
    **COMMON,
    "lookup_ord": lambda it: f"{it.lookup_ord:g}",
    "alpha_loss": lambda it: weight(it.alpha),
    "coulomb_loss": lambda it: weight(it.gamma),
    "commitment_loss": lambda it: weight(it.weights.get("commitment_loss", 0)),
    "mask": lambda it: "none" if it.mask is None else f"of {it.mask.ndim} axes",
    "estimator": lambda it: it.estimator,
    "codebooks": lambda it: it.codebooks,
    "every": lambda it: "none" if it.every is None else size(it.every),
    "start": lambda it: str(it.start),
    "update": lambda it: type(it.update).__name__,
    "replacement": lambda it: type(it.replacement).__name__,
    "replicas": lambda it: str(it.replicas),
}

OF_COSINE_CASES: Aspects = {
    **COMMON,
    "k": lambda it: it.vote and size(it.vote.k, len(it.emb_space)),
    "num_classes": lambda it: it.vote and size(it.vote.num_classes),
    "labels": lambda it: it.vote and size(len(set(it.vote.emb_labels.tolist()))),
    "label dtype": lambda it: it.vote and it.vote.emb_labels.dtype.name,
    "representative": lambda it: it.vote and it.vote.representative,
    "threshold": threshold,
}

ASPECTS: dict[type, Aspects] = {Case: OF_CASES, CosineCase: OF_COSINE_CASES}

Value = tuple[str, str]


def values_of(case: Case | CosineCase) -> list[Value]:
    """Return the aspects of a case with their words."""
    words = ((aspect, word(case)) for aspect, word in ASPECTS[type(case)].items())
    return [(aspect, it) for aspect, it in words if it is not None]


def cases_in(drawn: Any) -> Iterator[Case | CosineCase]:
    """Return the cases in what a strategy draws, however nested."""
    if type(drawn) in ASPECTS:
        yield drawn
    elif isinstance(drawn, list | tuple):
        for part in drawn:
            yield from cases_in(part)
    elif hasattr(drawn, "__dict__"):
        for part in vars(drawn).values():
            yield from cases_in(part)


def strategies() -> list[Callable[[Any], Any]]:
    """Return what the laws draw from, each function once."""
    modules = [*modules_of(tests.property), *modules_of(tests.parity)]
    laws = [law for module in modules for law in vars(module).values() if hasattr(law, "check")]
    return list(dict.fromkeys(strategy for law in laws for strategy in law.strategies.values()))


def drawn_cases(strategy: Any, number: int) -> list[Case | CosineCase]:
    """Return the cases in so many draws, the same on every run."""
    found: list[Case | CosineCase] = []

    @hypothesis.settings(
        max_examples=number,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
        deadline=None,
    )
    @hypothesis.given(strategy)
    def collect(drawn: Any) -> None:
        found.extend(cases_in(drawn))

    collect()
    return found


class Drawn(NamedTuple):
    """How often each value came, of how many strategies, and how often each pair of them together."""

    values: Counter[Value]
    strategies: Counter[Value]
    pairs: Counter[tuple[Value, Value]]


def counted(kind: type, draws: list[list[Case | CosineCase]]) -> Drawn:
    """Count the values of one kind of cases, of each strategy."""
    of_strategies = [[values_of(case) for case in drawn if type(case) is kind] for drawn in draws]
    every = [values for of_strategy in of_strategies for values in of_strategy]
    return Drawn(
        values=Counter(itertools.chain.from_iterable(every)),
        strategies=Counter(value for of_strategy in of_strategies for value in set().union(*of_strategy)),
        pairs=Counter(pair for values in every for pair in itertools.combinations(values, 2)),
    )


def never_together(kind: type, drawn: Drawn) -> list[str]:
    """Return the pairs of values that came, but in no case both."""
    order = list(ASPECTS[kind])
    values = sorted(drawn.values, key=lambda value: order.index(value[0]))
    pairs = [pair for pair in itertools.combinations(values, 2) if pair[0][0] != pair[1][0]]
    return [" with ".join(map(" ".join, pair)) for pair in pairs if pair not in drawn.pairs]


def table(kind: type, drawn: Drawn) -> str:
    """Return the table of a kind of cases."""
    rows = (f"{' '.join(it):34} {count:6} {drawn.strategies[it]:11}" for it, count in sorted(drawn.values.items()))
    never = "\n".join(never_together(kind, drawn))
    return "\n".join([f"{kind.__name__:34}  draws  strategies", *rows, "\nNever together:", never])


def main(number: int = 300) -> None:
    """Write the tables."""
    subject = Subject.of(Oracle())
    draws = [drawn_cases(strategy(subject), number) for strategy in strategies()]
    for kind in ASPECTS:
        sys.stdout.write(table(kind, counted(kind, draws)) + "\n\n")


if __name__ == "__main__":
    main()
