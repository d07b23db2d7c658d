"""What a profile asks of an implementation: what belongs to other clauses counts as not offered."""

from collections.abc import Collection, Container, Iterable, Mapping
from typing import Any

# The clause that a thing of a kind belongs to, or all things of a kind; the kinds are those of `vq_verify.offers`. What
# stands in neither belongs to every profile.
_OF_A_KIND = {
    "norms": "VQ-1",
    "losses": "VQ-5",
    "dim_reductions": "VQ-8",
    "votes": "VQ-10",
    "inputs": "VQ-13",
    "masks": "VQ-21",
    "replacements": "VQ-23",
    "stages": "VQ-28",
    "replicas": "VQ-30",
}
_OF_A_THING = {
    "codebook_loss": "VQ-18",
    "commitment_loss": "VQ-18",
    "none": "VQ-19",
    "per-split": "VQ-20",
    "batch": "VQ-12",
    "sample": "VQ-25",
    "k-means": "VQ-25",
    "MovingAverage": "VQ-24",
    "DeadCodes": "VQ-26",
    "rotation": "VQ-27",
    "diveq": "VQ-27",
}

# The clause without which a method is not called, and an endpoint is not looked at.
_OF_A_METHOD = {
    "decode": "VQ-13",
    "gradients": "VQ-3",
    "quantize_cosine": "VQ-9",
    "cosine_gradients": "VQ-9",
    "training": "VQ-11",
    "quantize_residual": "VQ-28",
    "residual_gradients": "VQ-28",
    "encode_residual": "VQ-28",
    "decode_residual": "VQ-28",
    "residual_training": "VQ-28",
    "quantize_scalar": "VQ-29",
    "scalar_gradients": "VQ-29",
    "decode_scalar": "VQ-29",
}
_OF_AN_ENDPOINT = {
    "emb_spacing": "VQ-6",
    "emb_closest_spacing": "VQ-6",
    "losses": "VQ-5",
    "losses_to_x": "VQ-5",
    "losses_to_emb_space": "VQ-5",
}


class _Asked:
    """Contains what a profile asks for of a kind."""

    def __init__(self, kind: str, profile: Container[str]) -> None:
        self._kind, self._profile = kind, profile

    def __contains__(self, thing: object) -> bool:
        name = thing if isinstance(thing, str) else ""
        clause = _OF_A_THING.get(name) or _OF_A_KIND.get(self._kind)
        return clause is None or clause in self._profile


class _Both:
    """Contains what two containers contain."""

    def __init__(self, one: Container[Any], other: Container[Any]) -> None:
        self._one, self._other = one, other

    def __contains__(self, thing: object) -> bool:
        return thing in self._one and thing in self._other


def asked(kinds: Iterable[str], profile: Container[str]) -> dict[str, Container[Any]]:
    """Return what a profile asks for, by kind."""
    return {kind: _Asked(kind, profile) for kind in kinds}


def narrowed(offers: Mapping[str, Container[Any]], profile: Container[str]) -> dict[str, Container[Any]]:
    """Return of what an implementation offers, by kind, what belongs to the clauses of a profile.

    Examples
    --------
    >>> offers = narrowed({"losses": ("alpha_loss", "commitment_loss"), "dtypes": ("float32",)}, {"VQ-5"})
    >>> [name in offers["losses"] for name in ("alpha_loss", "commitment_loss", "beta_loss")]
    [True, False, False]
    >>> "float32" in offers["dtypes"]
    True
    """
    return {kind: _Both(offer, _Asked(kind, profile)) for kind, offer in offers.items()}


def asks(method: str, profile: Collection[str]) -> bool:
    """Return whether a profile calls a method."""
    return _OF_A_METHOD.get(method) in (None, *profile)


def unseen(endpoints: Collection[str], profile: Container[str]) -> frozenset[str]:
    """Return which endpoints a profile does not look at."""
    return frozenset(name for name in endpoints if name in _OF_AN_ENDPOINT and _OF_AN_ENDPOINT[name] not in profile)
