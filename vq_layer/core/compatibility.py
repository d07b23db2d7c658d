"""Which parts do not go together: one table (VQ-17)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from vq_layer.parts.choices import Majority
from vq_layer.parts.comparisons import is_norm
from vq_layer.parts.losses import Loss
from vq_layer.parts.part import Part
from vq_layer.parts.replacement import Replacement


def _by_norm(it: Any) -> bool:
    return is_norm(it.comparison)


class Need(NamedTuple):
    """What a part needs of the others.

    Attributes
    ----------
    argument : str
        Where the part stands.
    kind : type
        The part.
    what : str
        What it needs, in words.
    of : str
        Where what it needs stands.
    is_met : function
        Whether a quantizer has that.
    """

    argument: str
    kind: type[Part]
    what: str
    of: str
    is_met: Callable[[Any], bool]


def needing_norm(kind: type[Part]) -> list[type[Part]]:
    """Return the parts of a kind that take distances."""
    return [known for known in kind.__subclasses__() if known.needs_norm]


def _applies_gradients_of(kind: type[Loss]) -> Callable[[Any], bool]:
    return lambda it: it.update.by_gradient or all(loss.is_absent for loss in it.losses if isinstance(loss, kind))


TABLE = (
    Need("choice", Majority, "a comparison by Cosine", "comparison", lambda it: not _by_norm(it)),
    Need("choice", Majority, "its embeddings to stay with their labels", "losses", lambda it: not it.losses),
    Need("choice", Majority, "its embeddings to stay with their labels", "update", lambda it: it.update.by_gradient),
    Need("choice", Majority, "labels, which inputs lack", "replacement", lambda it: it.replacement is None),
    Need("choice", Majority, "labels, which inputs lack", "start", lambda it: not it.start.from_inputs),
    Need("choice", Majority, "all embeddings to share the labels", "codebooks", lambda it: it.codebooks == "shared"),
    *(Need("losses", kind, "a comparison by a Norm", "comparison", _by_norm) for kind in needing_norm(Loss)),
    *(
        Need(
            "losses",
            kind,
            "an update by Gradient, which applies that of the loss",
            "update",
            _applies_gradients_of(kind),
        )
        for kind in Loss.__subclasses__()
        if kind.trains_emb_space
    ),
    *(
        Need("replacement", kind, "a comparison by a Norm", "comparison", _by_norm)
        for kind in needing_norm(Replacement)
    ),
)


def check(quantizer: Any) -> None:
    """Raise a ValueError for a `Quantizer` whose parts do not go together."""
    names = [loss.name for loss in quantizer.losses]
    if len(set(names)) < len(names):
        raise ValueError(f"`losses` must hold each loss once. Received: losses={quantizer.losses!r}")
    for need in TABLE:
        value, other = getattr(quantizer, need.argument), getattr(quantizer, need.of)
        there = any(isinstance(it, need.kind) for it in (value if isinstance(value, tuple) else (value,)))
        if there and not need.is_met(quantizer):
            raise ValueError(
                f"`{need.argument}`: {need.kind.__name__} needs {need.what}. "
                f"Received: {need.argument}={value!r}, {need.of}={other!r}"
            )
