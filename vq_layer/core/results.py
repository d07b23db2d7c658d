"""What a pass of a quantizer gives; what takes time is computed once, and only if asked for."""

from functools import cached_property, reduce
from typing import Any

import tensorflow as tf

from vq_layer.core.per_split import interleaved, joined
from vq_layer.parts.losses import Loss
from vq_layer.parts.passes import Pass


class Result:
    """The endpoints of a pass by name; m is the number of vectors of an element of the batch.

    What belongs to the vectors is in their order (VQ-1). What belongs to the embeddings has, with a codebook per split,
    one axis more, the first: that of the splits.

    Parameters
    ----------
    layer_out : tf.Tensor, shape and dtype of x
    passes : list of Pass
        That of each codebook.
    losses : tuple of Loss
    is_shared : bool
        Whether all splits share one embedding space.
    """

    def __init__(self, layer_out: tf.Tensor, passes: list[Pass], losses: tuple[Loss, ...], is_shared: bool) -> None:
        self.layer_out, self.passes, self._losses, self._is_shared = layer_out, passes, losses, is_shared

    @property
    def absent_endpoints(self) -> tuple[str, ...]:
        """The names of those that make no sense under the comparison."""
        return self.passes[0].search.absent_endpoints  # type: ignore[no-any-return]

    def losses(self, shares: list[tf.Tensor] | None = None) -> dict[str, tf.Tensor]:
        """Return the losses that are not absent by name, in order.

        With a codebook per split, each is the sum of those of the splits. With `shares`, a number for each codebook,
        the losses of each are multiplied by that.
        """
        return {name: _sum(of_codebooks, shares) for name, of_codebooks in self.losses_of_codebooks.items()}

    @cached_property
    def losses_of_codebooks(self) -> dict[str, list[tf.Tensor]]:
        """The losses that are not absent by name, in order, each for each codebook."""
        return {loss.name: [loss(it) for it in self.passes] for loss in self._losses if not loss.is_absent}

    @cached_property
    def emb_index(self) -> tf.Tensor:
        """The index of the embedding of each vector, ``[batch, m]``, int64; -1 for none."""
        return interleaved([it.choice.emb_index for it in self.passes])

    @cached_property
    def chosen(self) -> tf.Tensor:
        """The chosen embedding of each vector, ``[batch, m, d]``, the comparison dtype; NaN where there is none."""
        return interleaved([it.chosen for it in self.passes])

    @property
    def emb_space(self) -> tf.Tensor:
        """The embedding space, ``[n, d]``."""
        return self._of_embeddings([it.emb_space for it in self.passes])

    @cached_property
    def access_count(self) -> tf.Tensor:
        """How often each embedding was chosen, ``[n]``, float32."""
        return tf.cast(self.counts, tf.float32)

    @cached_property
    def counts(self) -> tf.Tensor:
        """The same as integers, int64."""
        return self._of_embeddings([it.access_count for it in self.passes])

    @cached_property
    def distance(self) -> tf.Tensor:
        """The distance of every vector to every embedding, ``[batch, m, n]``."""
        return interleaved([it.search.distance for it in self.passes])

    @cached_property
    def emb_spacing(self) -> tf.Tensor:
        """The distances between all pairs of embeddings, ``[n (n - 1) / 2]``."""
        return self._of_embeddings([it.emb_spacing for it in self.passes])

    @cached_property
    def emb_closest_spacing(self) -> tf.Tensor:
        """The distance of each embedding to the nearest other one, ``[n]``."""
        return self._of_embeddings([it.emb_closest_spacing for it in self.passes])

    @cached_property
    def similarity_values(self) -> tf.Tensor:
        """The similarity of each vector to the most similar embedding, ``[batch * m]``."""
        return tf.reshape(interleaved([it.search.largest_similarity for it in self.passes]), [-1])

    @cached_property
    def identity_mapping_mask(self) -> tf.Tensor | None:
        """Which vectors stay as they are, ``[batch, m]``, bool; None where that is not in question."""
        return self._unless_absent([it.choice.identity_mapping_mask for it in self.passes])

    @cached_property
    def most_common_label(self) -> tf.Tensor | None:
        """The label that won the vote, ``[batch, m]``; None without a vote."""
        return self._unless_absent([it.choice.most_common_label for it in self.passes])

    @cached_property
    def percentage_identity_mapped(self) -> tf.Tensor:
        """The share, in [0, 1], of the vectors with an embedding that stay as they are."""
        dtype = self.passes[0].vectors.dtype
        if self.identity_mapping_mask is None:
            return tf.zeros([], dtype)
        flags = self.identity_mapping_mask, self.emb_index >= 0
        return tf.math.divide_no_nan(*(tf.reduce_sum(tf.cast(flag, dtype)) for flag in flags))

    def _of_embeddings(self, of_codebooks: list[tf.Tensor]) -> tf.Tensor:
        return joined(of_codebooks, self._is_shared)

    @staticmethod
    def _unless_absent(of_codebooks: list[Any]) -> tf.Tensor | None:
        return None if of_codebooks[0] is None else interleaved(of_codebooks)


def _sum(values: list[tf.Tensor], shares: list[tf.Tensor] | None) -> tf.Tensor:
    if shares is not None:
        values = [value * tf.cast(share, value.dtype) for value, share in zip(values, shares, strict=True)]
    return reduce(tf.add, values)
