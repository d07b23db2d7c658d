"""Which parts there are, and which do not go together (VQ-17)."""

from collections.abc import Callable
from typing import Any

from reference.parts.choices import Majority, Nearest
from reference.parts.comparisons import PCA, Cosine, Norm, within
from reference.parts.estimators import NoGradient, StraightThrough
from reference.parts.losses import Alpha, Beta, Codebook, Commitment, Coulomb
from reference.parts.replacement import MostDistant
from reference.parts.starts import FromBatch
from reference.parts.updates import Gradient

KINDS: dict[str, tuple[type, ...]] = {
    "comparison": (Norm, Cosine, PCA),
    "choice": (Nearest, Majority),
    "losses": (tuple,),
    "update": (Gradient,),
    "estimator": (StraightThrough, NoGradient),
    "start": (FromBatch, type(None)),
    "replacement": (MostDistant, type(None)),
}
LOSSES = (Alpha, Beta, Coulomb, Codebook, Commitment)


def _has(quantizer: Any, *losses: type) -> bool:
    return any(isinstance(loss, losses) for loss in quantizer.losses)


def _votes(quantizer: Any) -> bool:
    return isinstance(quantizer.choice, Majority)


def _by(quantizer: Any, comparison: type) -> bool:
    return isinstance(within(quantizer.comparison), comparison)


INCOMPATIBLE: list[tuple[Callable[[Any], bool], str]] = [
    (lambda it: _votes(it) and not _by(it, Cosine), "`choice` Majority needs `comparison` Cosine, or PCA of it"),
    (lambda it: _has(it, Alpha) and not _by(it, Norm), "`losses` Alpha needs `comparison` Norm, or PCA of one"),
    (lambda it: _has(it, Beta) and not _by(it, Norm), "`losses` Beta needs `comparison` Norm, or PCA of one"),
    (lambda it: _has(it, Coulomb) and not _by(it, Norm), "`losses` Coulomb needs `comparison` Norm, or PCA of one"),
    (lambda it: it.replacement and not _by(it, Norm), "`replacement` needs `comparison` Norm, or PCA of one"),
    (lambda it: _votes(it) and it.losses, "`choice` Majority admits no `losses`"),
    (lambda it: _votes(it) and it.replacement, "`choice` Majority admits no `replacement`"),
    (lambda it: _votes(it) and it.start, "`choice` Majority admits no `start` FromBatch"),
    (lambda it: _votes(it) and it.codebooks == "per-split", "`choice` Majority admits no `codebooks` per split"),
    (lambda it: len({loss.name for loss in it.losses}) < len(it.losses), "`losses` must be of different kinds"),
]


def check_kinds(quantizer: Any) -> None:
    """Require parts of the kinds that there are.

    Raises
    ------
    TypeError
        Where one is of another.
    """
    for name, kinds in KINDS.items():
        _check_kind(name, getattr(quantizer, name), kinds)
    for loss in quantizer.losses:
        _check_kind("losses", loss, LOSSES)


def _check_kind(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds):
        words = ", ".join(kind.__name__.replace("NoneType", "None") for kind in kinds)
        raise TypeError(f"`{name}` must be of one of these kinds: {words}. Received: {name}={value!r}")


def check_compatible(quantizer: Any) -> None:
    """Require parts that go together.

    Raises
    ------
    ValueError
        With the sentence of the first rule that is broken.
    """
    for broken, sentence in INCOMPATIBLE:
        if broken(quantizer):
            raise ValueError(f"{sentence}. Received: {quantizer}")
