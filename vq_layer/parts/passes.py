"""One pass of one codebook: all that a loss or a rule may look at."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tensorflow as tf

from vq_layer.kernels import spacing
from vq_layer.kernels.closest import closest_spacing
from vq_layer.kernels.lookup import counts, select
from vq_layer.kernels.pairs import distances_among
from vq_layer.kernels.route import Route, route
from vq_layer.parts.choices import Choice
from vq_layer.parts.comparisons import Comparison
from vq_layer.parts.part import State
from vq_layer.shapes import static_shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Pass:
    """What goes into a pass and what it finds; more is computed once, and only if asked for.

    Attributes
    ----------
    inputs : tf.Tensor, shape [batch, m, d]
        The vectors of x, of its dtype, their gradient open.
    vectors : tf.Tensor, shape [batch, m, d], the comparison dtype
        The same as they are compared: constants, NaN where a mask leaves them out.
    counted : tf.Tensor, shape [batch, m], bool, or None
        Which vectors a mask leaves; None for all.
    given : dict of str to tf.Tensor
        The state before a start.
    state : dict of str to tf.Tensor
        The state that the pass begins with; the gradient of ``state["emb_space"]``, ``[n, d]``, is open.
    comparison : Comparison
    search : SearchByNorm or SearchByCosine
    choice : Choice
    all_pairs : bool
        Whether all distances among the embeddings are asked for in any case.
    passes : int
        1, or 0 if the layer was called in this step of training before, or by another replica.
    before : int
        How many vectors other replicas have that come first.
    """

    inputs: tf.Tensor
    vectors: tf.Tensor
    counted: tf.Tensor | None
    given: State
    state: State
    comparison: Comparison
    search: Any
    choice: Choice
    all_pairs: bool
    passes: int
    before: int | tf.Tensor = 0

    @property
    def emb_space(self) -> tf.Tensor:
        """The embedding space, ``[n, d]``."""
        return self.state["emb_space"]

    @cached_property
    def found(self) -> tf.Tensor:
        """Which vectors found an embedding, ``[batch, m]``; those that do are finite, and so are these embeddings."""
        return self.choice.emb_index >= 0

    @cached_property
    def chosen(self) -> tf.Tensor:
        """The chosen embeddings, ``[batch, m, d]``; NaN where there is none."""
        return select(self.emb_space, self.choice.emb_index)

    @cached_property
    def access_count(self) -> tf.Tensor:
        """How often each embedding was chosen, ``[n]``, int64."""
        return counts(self.choice.emb_index, static_shape(self.emb_space)[0])

    @cached_property
    def emb_distance(self) -> tf.Tensor:
        """The distances among the embeddings, ``[n, n]``, in the full space."""
        return distances_among(self.emb_space, self.search.lookup_ord, self._route_among)

    @cached_property
    def emb_spacing(self) -> tf.Tensor:
        """The distances between all pairs of embeddings, ``[n (n - 1) / 2]``."""
        return spacing.emb_spacing(self.emb_distance)

    @cached_property
    def emb_closest_spacing(self) -> tf.Tensor:
        """The distance of each embedding to the nearest other one, ``[n]``."""
        if self.all_pairs:
            return spacing.emb_closest_spacing(self.emb_distance)
        return closest_spacing(self.emb_space, self.search.lookup_ord, self._route_among)

    @cached_property
    def _route_among(self) -> Route:
        return route(self.emb_space, self.emb_space)
