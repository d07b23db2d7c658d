"""What the arguments of the layers from before there were parts have become."""

from typing import Any

from vq_layer.parts.comparisons import PCA, Norm, comparison_of
from vq_layer.parts.losses import Alpha, Beta, Coulomb
from vq_layer.parts.replacement import MostDistant
from vq_layer.parts.starts import FromBatch

# The arguments of before, and the one that each has become.
BECAME = {
    "alpha": "losses",
    "beta": "losses",
    "gamma": "losses",
    "lookup_ord": "comparison",
    "dim_reduction": "comparison",
    "num_dim_reduction_components": "comparison",
    "embedding_initializer": "start",
    "num_embeds_replaced": "replacement",
}

OF_BETA = "It pulls all embeddings to every input; the beta of a VQ-VAE is `losses=Commitment(0.25)`"

# What arguments of other libraries' layers (Sonnet's, keras.io's, vector-quantize-pytorch's) are here.
ELSEWHERE = {
    "num_embeddings": "n={0!r}",
    "codebook_size": "n={0!r}",
    "commitment_cost": "losses=Commitment({0!r})",
    "commitment_weight": "losses=Commitment({0!r})",
    "learnable_codebook": 'losses=["codebook", "commitment"]',
    "decay": "update=MovingAverage({0!r})",
    "kmeans_init": 'start=FromBatch("k-means")',
    "threshold_ema_dead_code": "replacement=DeadCodes(fraction), a fraction of the even share",
    "rotation_trick": 'estimator="rotation"',
    "num_quantizers": "num_stages={0!r}, of ResidualVectorQuantization",
    "embedding_dim": "the last axis of the input, divided by num_splits",
    "dim": "the last axis of the input, divided by num_splits",
}


def of_parts(comparison: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer of this default comparison with parts in the place of those of before."""
    before = {name: value for name, value in arguments.items() if name in BECAME}
    parts = _parts(comparison, before)
    return {
        **{name: value for name, value in arguments.items() if name not in BECAME},
        **{became: parts[became] for became in dict.fromkeys(BECAME[name] for name in before)},
    }


def of_configuration(comparison: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a configuration; what one from before there were parts lacks is that of 2018."""
    if comparison == "cosine" or not BECAME.keys() & config.keys():
        return of_parts(comparison, config)
    return {**_parts(comparison, {}), "update": "gradient", **of_parts(comparison, config)}


def refuse(layer: str, comparison: str, arguments: dict[str, Any]) -> None:
    """Raise a TypeError for arguments of before, which says what to write instead."""
    before = {name: value for name, value in arguments.items() if name in BECAME}
    if before:
        now = ", ".join(f"{name}={value!r}" for name, value in of_parts(comparison, before).items())
        received = ", ".join(f"{name}={value!r}" for name, value in before.items())
        names = ", ".join(f"`{name}`" for name in before)
        also = f" {OF_BETA}." if "beta" in before else ""
        raise TypeError(f"{names} of {layer} became a part: write `{now}`.{also} Received: {received}")
    elsewhere = {name: ELSEWHERE[name].format(value) for name, value in arguments.items() if name in ELSEWHERE}
    if elsewhere:
        now = ", ".join(f"`{name}` is `{here}`" for name, here in elsewhere.items())
        received = ", ".join(f"{name}={arguments[name]!r}" for name in elsewhere)
        raise TypeError(f"{layer} has other names: {now}. Received: {received}")


def _parts(default: str, before: dict[str, Any]) -> dict[str, Any]:
    comparison = Norm(before["lookup_ord"]) if "lookup_ord" in before else comparison_of(default)
    if before.get("dim_reduction") is not None:
        comparison = PCA(comparison, before["dim_reduction"], before.get("num_dim_reduction_components", 1))
    kinds: dict[str, Any] = {"alpha": Alpha, "beta": Beta, "gamma": Coulomb}
    losses = [kind(before[name]) if name in before else kind() for name, kind in kinds.items()]
    initializer, number = before.get("embedding_initializer"), before.get("num_embeds_replaced", 0)
    is_batch = isinstance(initializer, str) and initializer == "batch"
    return {
        "comparison": comparison,
        "losses": [loss for loss in losses if not loss.is_absent],
        "start": FromBatch() if is_batch else initializer,
        "replacement": MostDistant(number) if number else None,
    }
