"""What a pass gives back, by name (VQ-2 to VQ-6, VQ-9, VQ-10)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import distances, lookup, similarity, spacing
from reference.parts.comparisons import lookup_ord_of
from reference.passes import Pass


class Result(NamedTuple):
    """What `reference.quantize` computes; what does not exist is None.

    With a codebook per split, what is listed by embedding has a first axis of the splits (VQ-20).

    Attributes
    ----------
    layer_out : array, shape [batch, r, q], dtype of x
        Every vector of x replaced by its embedding, or by itself where it is masked or mapped to itself.
    emb_index : array, shape [batch, m], int64
        The index of that embedding; -1 for a vector that does not count.
    access_count : array, shape [n], float64
        How often each embedding was chosen.
    losses : dict of str to float64
        Those whose weight is not 0, by their names, in the order of the quantizer.
    state : dict of str to array
        The state after the pass.
    distance, emb_spacing, emb_closest_spacing : arrays, or None
        Under a norm (VQ-1, VQ-6).
    similarity, similarity_values, percentage_identity_mapped : arrays and float64, or None
        Under the cosine (VQ-9).
    identity_mapping_mask, most_common_label : arrays, shape [batch, m], or None
        Of a vote with a threshold, and of any vote (VQ-10).
    """

    layer_out: NDArray[Any]
    emb_index: NDArray[np.int64]
    access_count: NDArray[np.float64]
    losses: dict[str, np.float64]
    state: dict[str, Any]
    distance: NDArray[np.float64] | None = None
    emb_spacing: NDArray[np.float64] | None = None
    emb_closest_spacing: NDArray[np.float64] | None = None
    similarity: NDArray[np.float64] | None = None
    similarity_values: NDArray[np.float64] | None = None
    percentage_identity_mapped: np.float64 | None = None
    identity_mapping_mask: NDArray[np.bool_] | None = None
    most_common_label: NDArray[Any] | None = None


class Gradients(NamedTuple):
    """What `reference.quantizer.gradients` computes.

    Attributes
    ----------
    output_to_x : array, shape of x
        The gradient of ``sum(layer_out * upstream)``.
    output_to_emb_space : array, shape of emb_space
        Zeros: nothing reaches the embedding space through ``layer_out``.
    losses_to_x, losses_to_emb_space : dict of str to array
        The gradients of each loss, of the same shapes.
    """

    output_to_x: NDArray[Any]
    output_to_emb_space: NDArray[np.float64]
    losses_to_x: dict[str, NDArray[np.float64]]
    losses_to_emb_space: dict[str, NDArray[np.float64]]


def endpoints(it: Pass) -> dict[str, Any]:
    """Return what a pass says beside its output, losses and state, by the names of `Result`."""
    return {
        "emb_index": it.emb_index,
        "access_count": lookup.access_count(it.emb_index, len(it.codebook)),
        **(_of_distances(it) if it.search.distance is not None else _of_similarities(it)),
        "identity_mapping_mask": it.choice.kept,
        "most_common_label": it.choice.label,
    }


def _of_distances(it: Pass) -> dict[str, Any]:
    among = distances.pairwise_distance(it.codebook, it.codebook, lookup_ord_of(it.comparison))
    return {
        "distance": it.search.distance,
        "emb_spacing": spacing.emb_spacing(among),
        "emb_closest_spacing": spacing.emb_closest_spacing(among),
    }


def _of_similarities(it: Pass) -> dict[str, Any]:
    found, kept = it.emb_index >= 0, 0 if it.choice.kept is None else it.choice.kept.sum()
    return {
        "similarity": it.search.similarity,
        "similarity_values": similarity.similarity_values(it.search.similarity),
        "percentage_identity_mapped": np.float64(kept / max(int(found.sum()), 1)),
    }
