"""The heart: a quantizer put together from parts, and one pass of it, pure (VQ-17, VQ-20, VQ-21).

Tensors and state go in, tensors and state come out. A pass of training begins, looks up, puts out, takes its losses,
gathers its statistics, updates and replaces, in this order; output and losses are of the codebook before the update.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import tensorflow as tf

from vq_layer import validation
from vq_layer.core import compatibility
from vq_layer.core.per_split import changed, divided, divided_state, interleaved, joined
from vq_layer.core.replicas import Replicas
from vq_layer.core.results import Result
from vq_layer.core.splitting import merge, split, split_mask
from vq_layer.non_finite import where_known
from vq_layer.parts import starts
from vq_layer.parts.choices import Chooser, Nearest
from vq_layer.parts.comparisons import Comparison, Norm
from vq_layer.parts.estimators import Estimator, StraightThrough
from vq_layer.parts.losses import Loss
from vq_layer.parts.part import Part, State, Variable
from vq_layer.parts.passes import Pass
from vq_layer.parts.replacement import Replaced, Replacement
from vq_layer.parts.starts import FromInitializer, Start
from vq_layer.parts.statistics import Statistics, Total, at_once, merged
from vq_layer.parts.updates import Gradient, Rule, Update
from vq_layer.shapes import flat, static_shape

FOUND = "found"  # among the statistics of replicas: how many vectors found an embedding


@dataclass(frozen=True, kw_only=True)
class Quantizer:
    """What a quantizer is put together from; incompatible parts are refused (`compatibility`)."""

    n: int
    comparison: Comparison = Norm(2)  # noqa: RUF009
    choice: Chooser = Nearest()  # noqa: RUF009
    losses: tuple[Loss, ...] = ()
    update: Update = Gradient()  # noqa: RUF009
    estimator: Estimator = StraightThrough()  # noqa: RUF009
    start: Start = field(default_factory=FromInitializer)  # of its own, since each has a seed
    replacement: Replacement | None = None
    num_splits: int = 1
    codebooks: str = "shared"

    def __post_init__(self) -> None:
        validation.check_num_embeds(self.n)
        validation.check_num_splits(self.num_splits)
        validation.check_one_of("codebooks", self.codebooks, ("shared", "per-split"))
        compatibility.check(self)
        for part in self.parts:
            part.check_sizes(self.n, None)

    @property
    def parts(self) -> list[Part]:
        """All parts, in the order in which their state is created."""
        return [self.start, self.comparison, self.choice, *self.losses, self.estimator, *self.rules]

    @property
    def rules(self) -> list[Rule]:
        """What training does beside the gradients, in order."""
        return [self.update] if self.replacement is None else [self.update, self.replacement]

    @property
    def num_codebooks(self) -> int:
        """How many embedding spaces there are."""
        return 1 if self.is_shared else self.num_splits

    @property
    def trains_emb_space(self) -> bool:
        """Whether an optimizer trains the embedding space."""
        return self.update.by_gradient and any(it.trains_emb_space and not it.is_absent for it in self.losses)

    @property
    def learns_in_training(self) -> bool:
        """Whether a pass of training does more than to give losses and gradients."""
        return self.start.from_inputs or self.replacement is not None or not self.update.by_gradient

    def variables(self, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return the state for embeddings of size d, by name; with a codebook per split all have one axis more."""
        own = {"emb_space": Variable((self.n, d), dtype, self.start.initializer)}
        for part in self.parts:
            part.check_sizes(self.n, d)
            own |= part.variables(self.n, d, dtype)
        if self.is_shared:
            return own
        return {name: it._replace(shape=(self.num_splits, *static_shape(it))) for name, it in own.items()}

    @property
    def is_shared(self) -> bool:
        """Whether all splits share one embedding space."""
        return self.codebooks == "shared"


def looked_up(
    x: tf.Tensor,
    state: State,
    quantizer: Quantizer,
    *,
    mask: tf.Tensor | None = None,
    training: bool = False,
    all_pairs: bool = False,
    passes: int = 1,
    replicas: Replicas | None = None,
) -> list[Pass]:
    """Return the pass of each codebook over a batch, of which nothing but the choice need be computed.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, ..., q], floating dtype
    state : dict of str to tf.Tensor
        What `Quantizer.variables` declares.
    quantizer : Quantizer
    mask : tf.Tensor, bool, or None
        Which vectors count, of the shape of x without its last axis, or of a leading part of that. The others come out
        as they are, with the identity gradient, and are otherwise as if they were not there.
    training : bool
        Whether the pass may begin with a start, and `trained` follow.
    all_pairs : bool
        Whether all distances, which take memory for every pair, are asked for in any case.
    passes : int
        1, or 0 for a pass that belongs to one before.
    replicas : Replicas, optional
        With which this is one pass; of the vectors of all a start makes embeddings.
    """
    number = quantizer.num_codebooks
    before: int | tf.Tensor = 0
    if replicas is not None and training and (quantizer.start.from_inputs or quantizer.replacement is not None):
        rows, all_rows = replicas.offset(tf.reduce_prod(tf.shape(x)[:-1]))
        each = quantizer.num_splits // number
        before, every = rows * each, all_rows * each
    if replicas is not None:
        passes = passes * tf.cast(tf.equal(replicas.replica, 0), tf.int64)

    def one(inputs: tf.Tensor, counted: tf.Tensor | None, own: State) -> Pass:
        vectors = tf.stop_gradient(tf.cast(inputs, own["emb_space"].dtype))
        of_all = vectors, counted
        if replicas is not None and training and quantizer.start.from_inputs:
            of_all = replicas.vectors(vectors, counted, ~own["initialized"], before, every)
        begun = quantizer.start.begin(own, *of_all, quantizer.comparison) if training else own
        if counted is not None:
            vectors = where_known(tf.expand_dims(counted, -1), vectors)
        search = quantizer.comparison.search(vectors, begun["emb_space"])
        return Pass(
            inputs=inputs,
            vectors=vectors,
            counted=counted,
            given=own,
            state=begun,
            search=search,
            comparison=quantizer.comparison,
            choice=quantizer.choice.choose(search, begun),
            all_pairs=all_pairs,
            passes=passes,
            before=before,
        )

    inputs, states = divided(split(x, quantizer.num_splits), number), divided_state(state, number, quantizer.is_shared)
    counted = [None] * number if mask is None else divided(split_mask(mask, x, quantizer.num_splits), number)
    return [one(*of_codebook) for of_codebook in zip(inputs, counted, states, strict=True)]


def quantize(x: tf.Tensor, state: State, quantizer: Quantizer, **how: Any) -> Result:
    """Make one pass over a batch; parameters as in `looked_up`."""
    passes = looked_up(x, state, quantizer, **how)
    outputs = [_output(it, quantizer.estimator) for it in passes]
    return Result(merge(interleaved(outputs), x), passes, quantizer.losses, quantizer.is_shared)


def _output(it: Pass, estimator: Estimator) -> tf.Tensor:
    """Return what comes out for each vector, ``[batch, m, d]``; what stays as it is has the identity gradient."""
    output = estimator(it.inputs, it.chosen)
    for stays in (it.choice.identity_mapping_mask, None if it.counted is None else ~it.counted):
        if stays is not None:
            output = tf.where(tf.expand_dims(stays, -1), it.inputs, output)
    return output


class Step(NamedTuple):
    """What the calls of a quantizer within one step of training share: to the rules they are one pass (VQ-22).

    Attributes
    ----------
    state : dict of str to tf.Tensor
        What the first call began with, which all of them see.
    statistics : list of Statistics
        Those of all calls so far, of each codebook.
    """

    state: State
    statistics: list[Statistics]


def trained(
    result: Result, quantizer: Quantizer, statistics: list[Statistics], earlier: Step | None = None
) -> tuple[State, Step]:
    """Return what of the state is new after a training pass, and what a later call within the step goes on from.

    Parameters
    ----------
    result : Result
        Of a pass over ``earlier.state``, if there is one.
    quantizer : Quantizer
    statistics : list of Statistics
        Of the pass, with those of all replicas, for each codebook.
    earlier : Step, optional
        What the call before in the same step returned.
    """
    given, begun = [it.given for it in result.passes], [it.state for it in result.passes]
    if earlier is not None:
        statistics = list(map(merged, earlier.statistics, statistics))
    after = [_after(own, of_own, quantizer) for own, of_own in zip(begun, statistics, strict=True)]
    whole = {name: joined([own[name] for own in begun], quantizer.is_shared) for name in begun[0]}
    return changed(given, after, quantizer.is_shared), Step(whole, statistics)


def gathered(result: Result, rules: Sequence[Rule], replicas: Replicas | None = None) -> list[Statistics]:
    """Return the statistics of rules over a pass, for each codebook; with replicas, of all of them."""
    statistics = [{name: it for rule in rules for name, it in rule.gather(of).items()} for of in result.passes]
    if replicas is None:
        return statistics
    found = [{FOUND: Total(tf.reduce_sum(it.access_count))} for it in result.passes]
    return replicas.merged([at_once(own) | of_all for own, of_all in zip(statistics, found, strict=True)])


def shares(result: Result, statistics: list[Statistics], replicas: Replicas) -> list[tf.Tensor]:
    """Return, for each codebook, by what a loss of this replica counts so that the mean over replicas is that of all.

    A loss is a mean over the vectors that found an embedding, or the same for all batches: so it is what part of these
    vectors the replica has, times the number of replicas; 1 where no replica has any.
    """
    pairs = zip(result.passes, statistics, strict=True)
    return [_share(it.access_count, own[FOUND].value, replicas.number) for it, own in pairs]


def _share(access_count: tf.Tensor, found: tf.Tensor, number: int) -> tf.Tensor:
    own = tf.cast(tf.reduce_sum(access_count) * number, tf.float64)
    return tf.where(found > 0, tf.math.divide_no_nan(own, tf.cast(found, tf.float64)), 1)


def _after(state: State, statistics: Statistics, quantizer: Quantizer) -> State:
    """Return the state of a codebook after a training pass of these statistics: the update, then the replacement."""
    updated = quantizer.update.after(state, statistics, quantizer.comparison)
    if quantizer.replacement is None:
        return updated
    outcome = quantizer.replacement.after(updated, statistics)
    return _restarted(outcome.state, outcome.rows, quantizer)


def dead(result: Result, quantizer: Quantizer, statistics: list[Statistics] | None = None) -> tf.Tensor | None:
    """Tell which embeddings a replacement calls dead, ``[n]`` or ``[num_splits, n]``; None where it calls none so.

    With the statistics of a training pass, after it and before a replacement.
    """
    if quantizer.replacement is None or not quantizer.replacement.tells_dead:
        return None
    of_passes = [None] * len(result.passes) if statistics is None else statistics
    pairs = zip(result.passes, of_passes, strict=True)
    return joined([quantizer.replacement.dead(it.state, own) for it, own in pairs], quantizer.is_shared)


def rewritten(before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """Tell which rows are not the same in two embedding spaces, ``[n, d], [n, d] -> [n]``."""
    same = tf.equal(before, after) | (tf.math.is_nan(before) & tf.math.is_nan(after))
    return ~tf.reduce_all(same, axis=-1)


def _restarted(state: State, rows: tf.Tensor, quantizer: Quantizer) -> State:
    """Return the state in which the rules begin anew for rows of the embedding space that were written."""
    return reduce(lambda state, rule: rule.restarted(state, rows, quantizer.comparison), quantizer.rules, state)


def rows_of(x: tf.Tensor, dtype: tf.DType, quantizer: Quantizer) -> list[tf.Tensor]:
    """Return the vectors of x that belong to each codebook, ``[number, d]`` each, in the dtype of comparison."""
    inputs = divided(split(x, quantizer.num_splits), quantizer.num_codebooks)
    return [flat(tf.stop_gradient(tf.cast(vectors, dtype))) for vectors in inputs]


def started(state: State, embeddings: list[tf.Tensor], quantizer: Quantizer) -> State:
    """Return what of the state is new with these embeddings, ``[n, d]`` for each codebook (VQ-12, VQ-25)."""
    before = divided_state(state, quantizer.num_codebooks, quantizer.is_shared)
    begun = [starts.started(own, rows) for own, rows in zip(before, embeddings, strict=True)]
    everywhere = tf.ones([quantizer.n], tf.bool)
    return changed(before, [_restarted(own, everywhere, quantizer) for own in begun], quantizer.is_shared)


def replaced(state: State, quantizer: Quantizer) -> Replaced:
    """Return what of the state is new after a replacement, and which embeddings are, ``[n]`` or ``[num_splits, n]``."""
    if quantizer.replacement is None:
        raise ValueError("`replacement` must be given to replace. Received: replacement=None")
    before = divided_state(state, quantizer.num_codebooks, quantizer.is_shared)
    outcomes = [quantizer.replacement.replaced(own) for own in before]
    after = [_restarted(outcome.state, outcome.rows, quantizer) for outcome in outcomes]
    return Replaced(
        state=changed(before, after, quantizer.is_shared),
        rows=joined([outcome.rows for outcome in outcomes], quantizer.is_shared),
    )
