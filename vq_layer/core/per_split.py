"""A codebook for each split: vectors and states are divided, and what comes out is joined (VQ-20).

With a shared codebook there is one part, which is the whole.
"""

import tensorflow as tf

from vq_layer.parts.part import State
from vq_layer.shapes import static_shape


def divided(vectors: tf.Tensor, number: int) -> list[tf.Tensor]:
    """Return the vectors of each codebook, ``[batch, m, ...] -> number times [batch, m / number, ...]``.

    With one for each split, those of split s lie at s, s + number, s + 2 number, ...
    """
    return [vectors] if number == 1 else [vectors[:, s::number] for s in range(number)]


def interleaved(of_codebooks: list[tf.Tensor]) -> tf.Tensor:
    """Undo `divided`: ``number times [batch, m / number, ...] -> [batch, m, ...]``."""
    if len(of_codebooks) == 1:
        return of_codebooks[0]
    batch, m, *axes = static_shape(of_codebooks[0])
    shape = tf.shape(of_codebooks[0])
    sizes = [shape[0] if batch is None else batch, (shape[1] if m is None else m) * len(of_codebooks)]
    return tf.reshape(tf.stack(of_codebooks, axis=2), [*sizes, *axes])


def divided_state(state: State, number: int, shared: bool) -> list[State]:
    """Return the state of each codebook, whose tensors lack the first axis, that of the splits."""
    if shared:
        return [state]
    cut = {name: tf.unstack(value, number) for name, value in state.items()}
    return [{name: values[s] for name, values in cut.items()} for s in range(number)]


def changed(before: list[State], after: list[State], shared: bool) -> State:
    """Return what is new after something happened to the state of each codebook, joined."""
    pairs = list(zip(before, after, strict=True))
    new = [name for name in after[0] if any(now[name] is not then[name] for then, now in pairs)]
    return {name: joined([state[name] for state in after], shared) for name in new}


def joined(of_codebooks: list[tf.Tensor], shared: bool) -> tf.Tensor:
    """Return what belongs to the embeddings of all codebooks, with a first axis of the splits."""
    return of_codebooks[0] if shared else tf.stack(of_codebooks)
