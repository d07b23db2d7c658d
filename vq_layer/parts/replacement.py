"""Replacement of embeddings that are of little use, and of dead ones, by inputs (VQ-11, VQ-23, VQ-26)."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from vq_layer import validation
from vq_layer.kernels import draws
from vq_layer.kernels.branches import rarely
from vq_layer.kernels.compilation import shared
from vq_layer.non_finite import where_known
from vq_layer.parts.comparisons import Comparison
from vq_layer.parts.part import State, Variable, part, resolved
from vq_layer.parts.passes import Pass
from vq_layer.parts.statistics import Candidates, OnDemand, Statistics, Total, most_distant
from vq_layer.parts.updates import Rule
from vq_layer.shapes import static_shape

__all__ = ["DeadCodes", "MostDistant"]


class Replaced(NamedTuple):
    """The outcome of a replacement.

    Attributes
    ----------
    state : dict of str to tf.Tensor
    rows : tf.Tensor, shape [n], bool
        Which embeddings are new.
    """

    state: State
    rows: tf.Tensor


class Replacement(Rule):
    """What moves embeddings that are of little use, and when it acts by itself.

    One of its own declares what it `keeps`, says what it gathers from a pass (`gathers`), takes that in (`gathered`)
    and writes (`written`); the passes are counted here.

    Parameters
    ----------
    number : int or None
        How many embeddings are replaced at most, where it is not None.
    every : int or None
        After how many training passes the pass itself replaces; None leaves it to whoever calls for it: a layer's
        `replace_embeds`, the callback `ReplaceEmbeddings`, the endpoint `replace_embeds`.

    Notes
    -----
    What an optimizer keeps for a replaced row (momentum) starts anew, too; within a pass, if the optimizer is that of
    the model that is called, or in an attribute of it or of one of its layers, as it is under `fit`. A training loop
    with another calls `vq_layer.reset_slots`.
    """

    number: int | None
    every: int | None

    tells_dead: ClassVar[bool] = False  # whether it calls some embeddings dead

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.number is not None:
            validation.check_num_embeds_replaced(self.number, None, f"{name}.number", minimum=1)
            object.__setattr__(self, "number", int(self.number))
        if self.every is not None:
            validation.check_every(self.every, f"{name}.every")
            object.__setattr__(self, "every", int(self.every))

    def check_sizes(self, n: int, d: int | None) -> None:
        """Raise a ValueError for more than all embeddings."""
        del d
        if self.number is not None:
            validation.check_num_embeds_replaced(self.number, n, f"{type(self).__name__}.number")

    @abstractmethod
    def keeps(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return what it keeps, as `variables` does."""

    @abstractmethod
    def gathers(self, it: Pass) -> Statistics:
        """Return the statistics of a pass."""

    @abstractmethod
    def gathered(self, state: State, statistics: Statistics) -> State:
        """Return the state with the statistics taken in."""

    @abstractmethod
    def written(self, state: State) -> Replaced:
        """Return the state with embeddings written and with nothing gathered, and which they are."""

    def dead(self, state: State, statistics: Statistics | None) -> tf.Tensor:
        """Tell which embeddings are dead, ``[n]``, once the statistics of a pass are taken in, if there are some."""
        del statistics
        return tf.zeros_like(state["emb_space"][:, 0], tf.bool)

    def variables(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return what it keeps, and the passes since a replacement."""
        return {**self.keeps(n, d, dtype), "passes_since_replacement": Variable((), tf.int64)}

    def gather(self, it: Pass) -> Statistics:
        """Return the statistics of a pass, and how many passes it is."""
        return {**self.gathers(it), "passes": Total(it.passes)}

    def after(self, state: State, statistics: Statistics) -> Replaced:
        """Return the state with what was gathered, and which embeddings are new; replaced if it is time."""
        passes = state["passes_since_replacement"] + statistics["passes"].value
        gathered = {**self.gathered(state, statistics), "passes_since_replacement": passes}
        as_before = Replaced(gathered, tf.zeros_like(state["emb_space"][:, 0], tf.bool))
        if self.every is None:
            return as_before
        if self.every == 1:  # each pass, without asking
            return self.replaced(gathered)
        names = ["emb_space", *self.variables(0, 0, tf.float32)]

        def changed(outcome: Replaced) -> list[tf.Tensor]:
            return [outcome.rows, *(outcome.state[name] for name in names)]

        due = passes >= self.every
        rows, *values = rarely(due, lambda: changed(self.replaced(gathered)), lambda: changed(as_before))
        return Replaced({**gathered, **dict(zip(names, values, strict=True))}, rows)

    def replaced(self, state: State) -> Replaced:
        """Return the state after a replacement, and which embeddings are new."""
        written = self.written(state)
        passes = tf.zeros_like(state["passes_since_replacement"])
        return written._replace(state={**written.state, "passes_since_replacement": passes})


@part
class MostDistant(Replacement):
    """Write the most distant inputs over the least used embeddings; parameters as in `Replacement`.

    Training passes gather the usage of the embeddings and the most distant inputs since the last replacement.
    """

    number: int
    every: int | None = None

    needs_norm: ClassVar[bool] = True

    def __post_init__(self) -> None:
        validation.check_num_embeds_replaced(self.number, None, "MostDistant.number", minimum=1)
        super().__post_init__()

    def keeps(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return the usage, and the most distant inputs with their distances, 0 for an empty slot."""
        return {
            "accumulated_usage_count": Variable((n,), tf.int64),
            "distant_inputs": Variable((self.number, d), dtype),
            "input_distances": Variable((self.number,), dtype),
        }

    def gathers(self, it: Pass) -> Statistics:
        """Return the access counts and the most distant inputs."""
        distance = it.search.distance_to(it.choice.emb_index)
        return {
            "access_count": Total(it.access_count),
            "distant": most_distant(distance, it.vectors, self.number),
        }

    def gathered(self, state: State, statistics: Statistics) -> State:
        """Return the state with the usage added up, and the most distant of the inputs so far and the new ones."""
        stored = Candidates(state["input_distances"], state["distant_inputs"])
        distance, vectors = stored.merged(statistics["distant"])
        usage = state["accumulated_usage_count"] + statistics["access_count"].value
        new = {"accumulated_usage_count": usage, "distant_inputs": vectors, "input_distances": distance}
        return {**state, **new}

    def written(self, state: State) -> Replaced:
        """Write the i-th most distant input over the i-th least used embedding, and start to gather anew."""
        usage, distances = state["accumulated_usage_count"], state["input_distances"]
        emb_space, rows = replace_embeds(
            ReplacementState(usage, state["distant_inputs"], distances), state["emb_space"]
        )
        anew = {
            "emb_space": emb_space,
            "accumulated_usage_count": tf.zeros_like(usage),
            "input_distances": tf.zeros_like(distances),
        }
        return Replaced(state={**state, **anew}, rows=rows)


@part
class DeadCodes(Replacement):
    """Write inputs of the batch over the embeddings that are hardly ever chosen.

    The moving share u of an embedding is how often it is chosen, in multiples of the even share: of M vectors on n
    embeddings c / (M / n), if it is chosen c times. From 1 on, each pass of training makes of it

    ``u <- u + (1 - decay) min(1, M / n) (c n / M - u)``.

    An embedding is dead when its u is below `fraction`. With the replacement, its u is 1 again, and what the update
    keeps for it (`MovingAverage`) starts anew: without being chosen it is safe for the next
    ``ceil(log(fraction) / log(decay))`` passes of at least n vectors each, 59 by default.

    Parameters
    ----------
    fraction : float
        Of the even share, between 0 and 1. A large one replaces what is of use.
    decay : float
        What a pass leaves of the share before, from 0 on and below 1.
    source : {"sample", "most-distant"}
        Whether inputs are drawn at random, or the most distant from their embeddings come first. None is taken twice,
        and none that equals an embedding.
    number : int or None
        How many embeddings are replaced at once, at most; by default an eighth of all, and at least 1.
    every : int or None
        As in `Replacement`; by default each pass replaces.
    seed : int
        What is drawn is the same for equal seeds.
    """

    fraction: float = 0.05
    decay: float = 0.95
    source: str = "sample"
    number: int | None = None
    every: int | None = 1
    seed: int = 0

    tells_dead: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.take_number("fraction", "between 0 and 1", lambda it: 0 < it < 1)
        self.take_decay()
        validation.check_one_of("DeadCodes.source", self.source, ("sample", "most-distant"))
        validation.check_integer("DeadCodes.seed", self.seed, minimum=0)
        object.__setattr__(self, "seed", int(self.seed))
        super().__post_init__()

    def keeps(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return the moving shares, the inputs that wait for a replacement with their keys, and how often was drawn."""
        number = self._number(n)
        return {
            "moving_share": Variable((n,), dtype, "ones"),
            "candidate_inputs": Variable((number, d), dtype),
            "candidate_keys": Variable((number,), dtype),
            "draws": Variable((), tf.int64),
        }

    def gathers(self, it: Pass) -> Statistics:
        """Return the access counts, and of the vectors those of the largest keys."""
        number, vectors, found = self._number(static_shape(it.emb_space)[0]), it.vectors, it.found
        drawn, before = it.state["draws"], it.before
        # NaN for what found no embedding.
        distance = None if self.source == "sample" else it.search.distance_to(it.choice.emb_index)

        def find() -> Candidates:  # which keeps these in memory, and not all of the pass
            if distance is not None:
                return most_distant(distance, vectors, number)
            keys = draws.keys(draws.places(vectors, before), self.seed, drawn, vectors.dtype)
            return most_distant(where_known(found, keys), vectors, number)

        return {"access_count": Total(it.access_count), "candidates": OnDemand(find)}

    def gathered(self, state: State, statistics: Statistics) -> State:
        """Return the state with the shares moved and the vectors of this pass, those before forgotten."""
        keys, vectors = statistics["candidates"].now()
        taken = {"candidate_inputs": vectors, "candidate_keys": tf.maximum(keys, 0)}
        return {**self._counted(state, statistics), **taken}

    def after(self, state: State, statistics: Statistics) -> Replaced:
        """Return the state after a pass, and which embeddings are new; vectors are drawn only if some are to be."""
        if self.every != 1:
            return super().after(state, statistics)
        counted = self._counted(state, statistics)
        passes = tf.zeros_like(state["passes_since_replacement"])
        return self._written_by({**counted, "passes_since_replacement": passes}, statistics["candidates"])

    def _counted(self, state: State, statistics: Statistics) -> State:
        """Return the state with the shares moved and the draw counted."""
        return {**state, "moving_share": self._moved(state, statistics), "draws": state["draws"] + 1}

    def _moved(self, state: State, statistics: Statistics) -> tf.Tensor:
        """Return the shares, moved."""
        share = state["moving_share"]
        count = tf.cast(statistics["access_count"].value, share.dtype)
        per_embedding = tf.reduce_mean(count)
        pace = (1 - self.decay) * tf.minimum(per_embedding, 1)
        return share + pace * (tf.math.divide_no_nan(count, per_embedding) - share)

    def dead(self, state: State, statistics: Statistics | None) -> tf.Tensor:
        """Tell which embeddings are dead, ``[n]``, once the statistics of a pass are taken in, if there are some."""
        return (state["moving_share"] if statistics is None else self._moved(state, statistics)) < self.fraction

    def written(self, state: State) -> Replaced:
        """Write the inputs over the dead embeddings, those of the least share first; each input is used up."""
        return self._written_by(state, Candidates(state["candidate_keys"], state["candidate_inputs"]))

    def _written_by(self, state: State, candidates: Candidates | OnDemand) -> Replaced:
        """Write these candidates over the dead embeddings."""
        share, before = state["moving_share"], state["emb_space"]
        dead = tf.math.count_nonzero(share < self.fraction, dtype=tf.int32)

        def rewritten() -> tuple[tf.Tensor, tf.Tensor]:
            keys, inputs = candidates.now()
            return _written(share, inputs, keys, before, dead)

        emb_space, rows = rarely(  # most passes find none that is dead
            dead > 0, rewritten, lambda: (tf.identity(before), tf.zeros_like(share, tf.bool))
        )
        none = tf.zeros_like(state["candidate_keys"])
        return Replaced(state={**state, "emb_space": emb_space, "candidate_keys": none}, rows=rows)

    def restarted(self, state: State, rows: tf.Tensor, comparison: Comparison) -> State:
        """Return the state in which these rows have the even share."""
        del comparison
        return {**state, "moving_share": tf.where(rows, tf.ones_like(state["moving_share"]), state["moving_share"])}

    def _number(self, n: int) -> int:
        return max(1, n // 8) if self.number is None else self.number


class ReplacementState(NamedTuple):
    """What training passes accumulate between replacements.

    Attributes
    ----------
    usage : tf.Tensor, shape [n]
        How often each embedding was chosen.
    distant_inputs : tf.Tensor, shape [R, d]
        The R inputs that were most distant from their nearest embedding, most distant first.
    input_distances : tf.Tensor, shape [R]
        Their distances; 0 marks an empty slot.
    """

    usage: tf.Tensor
    distant_inputs: tf.Tensor
    input_distances: tf.Tensor


def replace_embeds(state: ReplacementState, emb_space: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Write the i-th most distant input over the i-th least used embedding; ties go to the lower index.

    A slot is skipped, and uses up no embedding, when it is empty or when its input equals a row of `emb_space` or an
    earlier slot.

    Returns
    -------
    tuple of tf.Tensor
        The embedding space, ``[n, d]``, and which rows are new, ``[n]``, bool.
    """
    return _written(*state, emb_space, tf.constant(static_shape(emb_space)[0]))


@shared
def _written(
    usage: tf.Tensor, inputs: tf.Tensor, distances: tf.Tensor, emb_space: tf.Tensor, most: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the same, of the parts of a state, with no more than `most` rows that are new."""
    (number,) = static_shape(distances)
    n = static_shape(emb_space)[0]
    order = tf.argsort(distances, direction="DESCENDING", stable=True)
    inputs = tf.gather(inputs, order)
    known = tf.reduce_any(_equal_rows(inputs, emb_space), axis=-1)
    index = tf.range(number)
    repeated = tf.reduce_any(_equal_rows(inputs, inputs) & (index < tf.expand_dims(index, -1)), axis=-1)
    used = (tf.gather(distances, order) > 0) & ~known & ~repeated
    # Shapes that XLA knows: those that are used come first, and the others write what is there already.
    inputs = tf.gather(inputs, tf.argsort(tf.cast(~used, tf.int32), stable=True))
    targets = tf.expand_dims(tf.argsort(usage, stable=True)[:number], -1)
    count = tf.math.count_nonzero(used, dtype=tf.int32)
    written = index < tf.minimum(count, most)
    rows = tf.where(tf.expand_dims(written, -1), inputs, tf.gather_nd(emb_space, targets))
    return (
        tf.tensor_scatter_nd_update(emb_space, targets, rows),
        tf.tensor_scatter_nd_update(tf.zeros([n], tf.bool), targets, written),
    )


def _equal_rows(rows: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all(tf.equal(tf.expand_dims(rows, -2), others), axis=-1)


NAMES = {"dead-codes": DeadCodes}


def replacement_of(value: Any) -> Replacement | None:
    """Return the replacement that an argument stands for, if any."""
    return None if value is None else resolved("replacement", value, Replacement, NAMES)  # type: ignore[type-abstract]
