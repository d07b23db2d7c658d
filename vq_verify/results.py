"""What an implementation answers: named tuples or mappings by name, and the form in which the suite compares them."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from vq_verify.offers import NotAsked, NotOffered


class Quantized(NamedTuple):
    """All endpoints and losses of one quantization; shapes as in `reference.VQResult`."""

    layer_out: NDArray[Any]
    emb_index: NDArray[Any]
    access_count: NDArray[Any]
    distance: NDArray[Any]
    emb_spacing: NDArray[Any]
    emb_closest_spacing: NDArray[Any]
    losses: dict[str, Any]


class Gradients(NamedTuple):
    """Gradients of one quantization; a gradient that an implementation does not connect is zero."""

    output_to_x: NDArray[Any]
    output_to_emb_space: NDArray[Any]
    losses_to_x: dict[str, NDArray[Any]]
    losses_to_emb_space: dict[str, NDArray[Any]]


class CosineQuantized(NamedTuple):
    """All endpoints of one quantization by cosine similarity; shapes as in `reference.CosineVQResult`."""

    layer_out: NDArray[Any]
    emb_index: NDArray[Any]
    similarity_values: NDArray[Any]
    percentage_identity_mapped: Any
    identity_mapping_mask: NDArray[Any] | None
    most_common_label: NDArray[Any] | None


class CosineGradients(NamedTuple):
    """Gradients of ``sum(layer_out * upstream)``; one that is not connected is zero."""

    output_to_x: NDArray[Any]
    output_to_emb_space: NDArray[Any]


class ScalarQuantized(NamedTuple):
    """All endpoints of one finite scalar quantization; shapes as in `reference.FiniteScalarResult`."""

    layer_out: NDArray[Any]
    emb_index: NDArray[Any]
    access_count: NDArray[Any] | None


class ScalarGradients(NamedTuple):
    """The gradient of ``sum(layer_out * upstream)``."""

    output_to_x: NDArray[Any]


class ResidualQuantized(NamedTuple):
    """Output, indices, and what is listed by stage, of one residual quantization; K is the number of stages.

    `emb_index` is ``[batch, m, K]``, `access_count` ``[K, n]``, and `losses` has K dictionaries by name.
    """

    layer_out: NDArray[Any]
    emb_index: NDArray[Any]
    access_count: NDArray[Any]
    losses: list[dict[str, Any]]


class ResidualGradients(NamedTuple):
    """Gradients of one residual quantization, to x, and to all embedding spaces; of the losses of each stage by name.

    One that is not connected is zero.
    """

    output_to_x: NDArray[Any]
    output_to_emb_spaces: NDArray[Any]
    losses_to_x: list[dict[str, NDArray[Any]]]
    losses_to_emb_spaces: list[dict[str, NDArray[Any]]]


class Replica(NamedTuple):
    """What a pass leaves that replicas made together: output and losses of one of them, and its state by name."""

    layer_out: NDArray[Any]
    losses: dict[str, Any]
    state: dict[str, NDArray[Any]]


class TrainingState(NamedTuple):
    """The state of a training with replacement by position, as adapters returned it before they did by name."""

    emb_space: NDArray[Any]
    usage: NDArray[Any]
    distant_inputs: NDArray[Any]
    input_distances: NDArray[Any]


# The names of a state with replacement (VQ-11), in the order of `TrainingState`.
STATE = ("emb_space", "accumulated_usage_count", "distant_inputs", "input_distances")


def named(kind: type[Any], result: Any, unseen: Collection[str] = ()) -> Any:
    """Return a result as the named tuple of its kind; to ask for what a mapping leaves out raises `NotOffered`.

    What is `unseen` raises `NotAsked`, whatever the form of the result.

    Examples
    --------
    >>> gradients = named(CosineGradients, {"output_to_x": 1, "of_my_own": 2})
    >>> gradients.output_to_x
    1
    >>> gradients.output_to_emb_space
    Traceback (most recent call last):
    vq_verify.offers.NotOffered: not offered: `output_to_emb_space`
    """
    if not isinstance(result, Mapping):
        if not unseen:
            return result
        result = {name: getattr(result, name) for name in kind._fields}
    result = {name: value for name, value in result.items() if name not in unseen}
    missing = [name for name in kind._fields if name not in result]
    known = {name: result.get(name) for name in kind._fields}
    if not missing:
        return kind(**known)
    refusals = {name: property(_refusal(name, NotAsked if name in unseen else NotOffered)) for name in missing}
    return type(kind.__name__, (kind,), refusals)(**known)


def _refusal(name: str, kind: type[NotOffered]) -> Any:
    def refuse(_: Any) -> Any:
        raise kind(f"`{name}`")

    return refuse


class State(dict[str, NDArray[Any]]):
    """The state of a training by name; to ask for what an implementation leaves out raises `NotOffered`."""

    def __missing__(self, name: str) -> NDArray[Any]:
        raise NotOffered(f"`{name}` of the state")


def state_by_name(state: Any) -> State:
    """Return a state by name, whether it was so or a `TrainingState`, whose usage is the `accumulated_usage_count`."""
    return State(state if isinstance(state, Mapping) else zip(STATE, state, strict=True))
