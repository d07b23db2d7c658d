"""Endpoints: what a layer returns beside its output, by name."""

from collections import namedtuple
from functools import cache
from typing import Any, ClassVar

from vq_layer.core.results import Result


class Endpoints:
    """What a Keras layer returns with ``return_endpoints=True``: a named tuple of those that it has; others are None.

    Attributes
    ----------
    layer_out : tf.Tensor, shape and dtype of x
        The output.
    emb_index : tf.Tensor, shape [batch, m], int64
        The index of the embedding of each vector; -1 for none.
    emb_space : tf.Tensor, shape [n, d], or None
        The embedding space; None of a finite scalar quantization, which has none. With a codebook per split, this and
        all that belongs to embeddings has an axis more, the first: that of the splits.
    access_count : tf.Tensor, shape [n], float32, or None
        How often each embedding was chosen; None of a finite scalar quantization of more than 2^20.
    distance : tf.Tensor, shape [batch, m, n], or None
        The distance of every vector to every embedding; None with a comparison by cosine, as the spacings.
    emb_spacing : tf.Tensor, shape [n (n - 1) / 2], or None
        The distances between all pairs of embeddings: the strict upper triangle of their matrix, row-major.
    emb_closest_spacing : tf.Tensor, shape [n], or None
        The distance of each embedding to the nearest other one.
    similarity_values : tf.Tensor, shape [batch * m], or None
        The cosine similarity of each vector to the most similar embedding, batch-major; None with a norm.
    percentage_identity_mapped : tf.Tensor, scalar, or None
        The share, in [0, 1], of the vectors with an embedding that stay as they are; None with a norm.
    identity_mapping_mask : tf.Tensor, shape [batch, m], bool, or None
        Which vectors stay as they are; None without a threshold.
    most_common_label : tf.Tensor, shape [batch, m], dtype of the labels, or None
        The label that won the vote; None without a vote.

    Notes
    -----
    m is the number of vectors of size d in one element of the batch. The dtype is the comparison dtype of x (float32
    for half types, else that of x) where no other is named. In a functional model all of them are tensors, since the
    absent ones are no entries of the tuple.
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "layer_out",
        "emb_index",
        "emb_space",
        "access_count",
        "distance",
        "emb_spacing",
        "emb_closest_spacing",
        "similarity_values",
        "percentage_identity_mapped",
        "identity_mapping_mask",
        "most_common_label",
    )


def endpoints_of(result: Result) -> Any:
    """Return the `Endpoints` of a pass, those that it has, in the order of their names."""
    asked = [name for name in Endpoints.NAMES if name not in result.absent_endpoints]
    return endpoints(**{name: getattr(result, name) for name in asked})


def endpoints(**values: Any) -> Any:
    """Return the `Endpoints` of these values, in the order of their names, but for those that are None."""
    present = {name: value for name, value in values.items() if value is not None}
    return _of_present(tuple(present))(**present)


@cache
def _of_present(present: tuple[str, ...]) -> Any:
    # Keras and tf.nest take each entry of a tuple for a tensor, and rebuild a named tuple by its class.
    absent = dict.fromkeys(name for name in Endpoints.NAMES if name not in present)
    entries: Any = namedtuple("Endpoints", present)  # type: ignore[misc]
    return type("Endpoints", (entries, Endpoints), {"__slots__": (), "__doc__": Endpoints.__doc__, **absent})
