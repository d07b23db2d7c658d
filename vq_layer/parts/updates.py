"""How the embedding space moves in training (VQ-17, VQ-24)."""

import math
from typing import Any, ClassVar

import tensorflow as tf

from vq_layer.parts.comparisons import Comparison
from vq_layer.parts.part import Part, State, Variable, part, resolved
from vq_layer.parts.passes import Pass
from vq_layer.parts.statistics import Statistics, Total
from vq_layer.shapes import flat, static_shape

__all__ = ["Gradient", "MovingAverage"]


class Rule(Part):
    """What training does beside the gradients, in two pure functions: what it gathers, and what it makes of that.

    It sees a batch only through its statistics, which can be merged; those of the same name are the same for all rules.
    """

    def gather(self, it: Pass) -> Statistics:
        """Return the statistics of a pass."""
        del it
        return {}

    def restarted(self, state: State, rows: tf.Tensor, comparison: Comparison) -> State:
        """Return the state after something else has written these rows, ``[n]``, of the embedding space."""
        del rows, comparison
        return state


class Update(Rule):
    """How the embedding space moves."""

    by_gradient: ClassVar[bool] = False  # whether an optimizer trains it

    def after(self, state: State, statistics: Statistics, comparison: Comparison) -> State:
        """Return the state after a training pass of these statistics."""
        del statistics, comparison
        return state


@part
class Gradient(Update):
    """By the gradients of the losses alone; where no loss reaches it, it is not trainable."""

    by_gradient: ClassVar[bool] = True


@part
class MovingAverage(Update):
    """Each embedding is the moving average of the vectors that choose it.

    With the count c and the sum s of the vectors that chose an embedding e in a pass,

    ``N <- decay N + (1 - decay) c`` and ``e <- e + (1 - decay) / N' (s - c e)``,

    where N' is N with Laplace smoothing, ``(N + epsilon) / (sum N + n epsilon) sum N``. But for epsilon this is
    ``e = m / N`` with ``m <- decay m + (1 - decay) s``; an embedding that nothing chose stays as it is. Under `Cosine`
    the vectors are scaled to norm 1, and so is the embedding that moved. Under other norms than L2, too, it is the mean
    to which an embedding moves. No optimizer trains the embedding space, and its steps do not matter: where it makes
    one of several batches, each of them is a pass.

    Parameters
    ----------
    decay : float
        What a pass leaves of the counts before, from 0 on and below 1: a lower one follows faster.
    epsilon : float
        The smoothing of the counts, from 0 on.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017, appendix A.1.
    """

    decay: float = 0.99
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        self.take_decay()
        self.take_number("epsilon", "finite and not negative", lambda it: 0 <= it < math.inf)

    def variables(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return the moving counts of the embeddings."""
        del d
        return {"average_count": Variable((n,), dtype)}

    def gather(self, it: Pass) -> Statistics:
        """Return how often each embedding was chosen, and the sum of the vectors that chose it."""
        n = static_shape(it.emb_space)[0]
        index = tf.reshape(it.choice.emb_index, [-1])  # what is not found, at -1, is left out of the sum
        return {
            "access_count": Total(it.access_count),
            "vector_sum": Total(tf.math.unsorted_segment_sum(flat(it.comparison.scaled(it.vectors)), index, n)),
        }

    def after(self, state: State, statistics: Statistics, comparison: Comparison) -> State:
        """Return the state with the counts and the embeddings moved."""
        emb_space = state["emb_space"]
        n, dtype = static_shape(emb_space)[0], emb_space.dtype
        kept, new = tf.constant(self.decay, dtype), tf.constant(1 - self.decay, dtype)
        count = tf.cast(statistics["access_count"].value, dtype)
        average_count = kept * state["average_count"] + new * count
        total = tf.reduce_sum(average_count)
        smoothed = (average_count + self.epsilon) * (total / (total + n * self.epsilon))
        chosen = tf.expand_dims(count > 0, -1)
        before = comparison.scaled(emb_space)
        pull = statistics["vector_sum"].value - tf.expand_dims(count, -1) * before
        moved = before + tf.expand_dims(tf.math.divide_no_nan(new, smoothed), -1) * pull
        if comparison.on_sphere:  # unless the vectors cancel each other out
            cancelled = tf.reduce_all(tf.equal(moved, 0), -1, keepdims=True)
            moved = tf.where(cancelled, emb_space, comparison.scaled(moved))
        return {**state, "average_count": average_count, "emb_space": tf.where(chosen, moved, emb_space)}

    def restarted(self, state: State, rows: tf.Tensor, comparison: Comparison) -> State:
        """Return the state in which these rows have been chosen as often as the embeddings are on average."""
        average_count, emb_space = state["average_count"], state["emb_space"]
        if comparison.on_sphere:
            emb_space = tf.where(tf.expand_dims(rows, -1), comparison.scaled(emb_space), emb_space)
        new = tf.where(rows, tf.reduce_mean(average_count), average_count)
        return {**state, "average_count": new, "emb_space": emb_space}


NAMES = {"gradient": Gradient, "moving-average": MovingAverage}


def update_of(value: Any) -> Update:
    """Return the update that an argument stands for."""
    return resolved("update", value, Update, NAMES)
