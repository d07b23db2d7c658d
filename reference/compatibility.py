"""Which parts there are, and which do not go together (VQ-17)."""

from collections.abc import Callable
from typing import Any

from reference.parts.choices import Majority, Nearest
from reference.parts.comparisons import PCA, Cosine, Norm, within
from reference.parts.estimators import Estimator
from reference.parts.losses import Loss
from reference.parts.replacement import Replacement
from reference.parts.starts import Start
from reference.parts.updates import Update

KINDS: dict[str, tuple[type, ...]] = {
    "comparison": (Norm, Cosine, PCA),
    "choice": (Nearest, Majority),
    "losses": (tuple,),
    "update": (Update,),
    "estimator": (Estimator,),
    "start": (Start, type(None)),
    "replacement": (Replacement, type(None)),
}


def _of_distances(loss: type) -> Callable[[Any], bool]:
    return lambda it: any(isinstance(one, loss) for one in it.losses) and not _by(it, Norm)


def _votes(quantizer: Any) -> bool:
    return isinstance(quantizer.choice, Majority)


def _by(quantizer: Any, comparison: type) -> bool:
    return isinstance(within(quantizer.comparison), comparison)


INCOMPATIBLE: list[tuple[Callable[[Any], bool], str]] = [
    (lambda it: _votes(it) and not _by(it, Cosine), "`choice` Majority needs `comparison` Cosine, or PCA of it"),
    *(
        (_of_distances(kind), f"`losses` {kind.__name__} needs `comparison` Norm, or PCA of one")
        for kind in Loss.__subclasses__()
        if kind.needs_norm
    ),
    (
        lambda it: it.replacement and it.replacement.needs_norm and not _by(it, Norm),
        "`replacement` needs `comparison` Norm, or PCA of one",
    ),
    (lambda it: _votes(it) and it.losses, "`choice` Majority admits no `losses`"),
    (lambda it: _votes(it) and not it.update.by_gradient, "`choice` Majority admits no `update` of its embeddings"),
    (lambda it: _votes(it) and it.replacement, "`choice` Majority admits no `replacement`"),
    (lambda it: _votes(it) and it.start, "`choice` Majority admits no `start` FromBatch"),
    (lambda it: _votes(it) and it.codebooks == "per-split", "`choice` Majority admits no `codebooks` per split"),
    (
        lambda it: not it.update.by_gradient and any(loss.trains_emb_space and loss.weight != 0 for loss in it.losses),
        "`losses` that train the embedding space need the `update` Gradient, which applies their gradients",
    ),
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
        _check_kind("losses", loss, (Loss,))


def _check_kind(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds):
        bases = [kind for kind in kinds if kind in (Loss, Update, Estimator, Start, Replacement)]
        there = [known for kind in kinds for known in (kind.__subclasses__() if kind in bases else [kind])]
        words = ", ".join(kind.__name__.replace("NoneType", "None") for kind in there)
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
