"""What is seen of the codebooks of a layer: what the data find in them, and measures of that, in NumPy."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from vq_layer.core.finite_scalar import LARGEST_COUNTED, FiniteScalarResult
from vq_layer.core.splitting import split
from vq_layer.layers.metrics import perplexity
from vq_layer.layers.observed import Observed, observing
from vq_layer.layers.on_demand import losses_apart
from vq_layer.layers.vector_layer import VectorLayer
from vq_layer.shapes import flat

Array = NDArray[Any]


class Sample(NamedTuple):
    """Vectors that found something in a codebook.

    Attributes
    ----------
    vectors : numpy.ndarray, shape [k, d]
    emb_index : numpy.ndarray, shape [k], int64
    distance : numpy.ndarray, shape [k]
        How far each is from its embedding, as the layer compares; by a cosine, what the similarity lacks of 1. NaN in
        a finite scalar quantization, which has no embeddings.
    """

    vectors: Array
    emb_index: Array
    distance: Array


class Codebook(NamedTuple):
    """What is seen of a codebook.

    Attributes
    ----------
    access_count : numpy.ndarray, shape [n]
        How often each embedding was chosen: in the epoch, if the layer counts, else by the sample.
    sample : Sample
    emb_space : numpy.ndarray, shape [n, d], or [0, d] of a finite scalar quantization
        A row of NaN for an embedding that is not finite.
    spacing : numpy.ndarray, shape [n], or [0] where there is none
        The distance of each embedding to the nearest other one.
    """

    access_count: Array
    sample: Sample
    emb_space: Array
    spacing: Array


class Look(NamedTuple):
    """What is seen of a layer at the end of an epoch.

    Attributes
    ----------
    layer : VectorLayer
    codebooks : list of Codebook
        One, or one for each split.
    told : dict of str to float
        What the metrics of the layer tell of the epoch, by the names of the quantities.
    """

    layer: Any
    codebooks: list[Codebook]
    told: dict[str, float]

    @property
    def has_embeddings(self) -> bool:
        """Whether there are any, as a finite scalar quantization has none."""
        return any(len(it.emb_space) for it in self.codebooks)

    @property
    def num_used(self) -> int:
        """How many embeddings were chosen at all, of all codebooks."""
        return int(sum(np.count_nonzero(it.access_count) for it in self.codebooks))

    @property
    def num_embeds(self) -> int:
        """How many embeddings there are, in all codebooks."""
        return int(self.layer.n) * len(self.codebooks)

    @property
    def num_vectors(self) -> int:
        """How many vectors chose them."""
        return int(sum(it.access_count.sum() for it in self.codebooks))

    @property
    def rms_of_inputs(self) -> float:
        """The root mean square of the coordinates of the sample."""
        return rms([it.sample.vectors for it in self.codebooks])

    @property
    def rms_of_embeddings(self) -> float:
        """The same of the embeddings; NaN where there are none."""
        return rms([it.emb_space for it in self.codebooks])

    def scalars(self) -> dict[str, float]:
        """Return the measures that are numbers, by name, but for those that are not finite."""
        inputs, embeddings = self.rms_of_inputs, self.rms_of_embeddings
        named = {"rms_of_inputs": inputs, "rms_of_embeddings": embeddings, "rms_ratio": ratio(inputs, embeddings)}
        return {name: value for name, value in {**self.told, **named}.items() if np.isfinite(value)}

    def histograms(self, earlier: "Look | None") -> dict[str, Array]:
        """Return the measures that are distributions, by name, but for those that are empty.

        Parameters
        ----------
        earlier : Look or None
            Since which the embeddings have drifted.
        """
        of_codebooks = {
            "usage_in_even_shares": [in_even_shares(it.access_count) for it in self.codebooks],
            "distance": [it.sample.distance for it in self.codebooks],
            "spacing": [it.spacing for it in self.codebooks],
        }
        if earlier is not None:
            pairs = zip(self.codebooks, earlier.codebooks, strict=True)
            of_codebooks["drift"] = [np.linalg.norm(now.emb_space - then.emb_space, axis=-1) for now, then in pairs]
        together = {name: np.concatenate(values) for name, values in of_codebooks.items()}
        finite = {name: values[np.isfinite(values)] for name, values in together.items()}
        return {name: values for name, values in finite.items() if len(values)}


class Counted(NamedTuple):
    """What a layer has counted in an epoch: the access counts of its codebooks, and what its metrics tell."""

    access_counts: list[Array]
    told: dict[str, float]


def counted(layer: VectorLayer) -> Counted:
    """Return what the metrics of a layer have counted since their last reset; nothing where it has none."""
    told = {name: float(value) for name, value in layer.told.items()}
    return Counted([np.asarray(it) for it in layer.access_counts], told)


def look_at(
    model: keras.Model, of_epoch: dict[VectorLayer, Counted], batches: Iterable[Any], num_vectors: int, seed: int
) -> dict[VectorLayer, Look]:
    """Return what is seen of the layers that an inference of the model passes through, in their order.

    Parameters
    ----------
    model : keras.Model
    of_epoch : dict of VectorLayer to Counted
        What each of its layers has counted.
    batches : iterable
        Inputs of the model, of which only as many are read as it takes.
    num_vectors : int
        Of how many vectors a sample is, at most, if the batches hold as many.
    seed : int
        Which vectors of a batch are drawn, where it holds more.
    """
    rng = np.random.default_rng(seed)
    samples: dict[VectorLayer, list[list[Sample]]] = {}
    last: dict[VectorLayer, Observed] = {}
    for batch in batches:
        with losses_apart(model), observing() as passes:
            model(batch, training=False)
        for it in passes:
            last[it.layer] = it
            samples.setdefault(it.layer, []).append([drawn(every, num_vectors, rng) for every in found_in(it)])
        if all(sum(len(own[0].emb_index) for own in of_layer) >= num_vectors for of_layer in samples.values()):
            break
    together = {
        layer: [drawn(joined(own), num_vectors, rng) for own in zip(*of_batches, strict=True)]
        for layer, of_batches in samples.items()
    }
    return {layer: _look(it, together[layer], of_epoch[layer]) for layer, it in last.items() if layer in of_epoch}


def found_in(it: Observed) -> list[Sample]:
    """Return the vectors of a pass that found something, for each codebook."""
    if isinstance(it.result, FiniteScalarResult):
        emb_index = it.result.emb_index
        return [_found(split(it.x, it.layer.num_splits), emb_index, np.full(np.shape(emb_index), np.nan))]
    passes = [(own.vectors, own.choice.emb_index, own.search) for own in it.result.passes]
    return [_found(vectors, emb_index, search.distance_to(emb_index)) for vectors, emb_index, search in passes]


def _found(vectors: Any, emb_index: Any, distance: Any) -> Sample:
    index = np.ravel(emb_index)
    known = index >= 0
    return Sample(np.asarray(flat(vectors))[known], index[known], np.ravel(distance)[known])


def drawn(sample: Sample, number: int, rng: np.random.Generator) -> Sample:
    """Return so many of a sample at random, in their order; all of it where it is smaller."""
    if len(sample.emb_index) <= number:
        return sample
    kept = np.sort(rng.choice(len(sample.emb_index), number, replace=False))
    return Sample(*(values[kept] for values in sample))


def joined(samples: Sequence[Sample]) -> Sample:
    """Return samples one after the other."""
    return Sample(*map(np.concatenate, zip(*samples, strict=True)))


def _look(it: Observed, samples: list[Sample], of_epoch: Counted) -> Look:
    """Return a look at a layer: of its last pass, of samples of all passes and of what it counted in the epoch."""
    n = it.layer.n
    counts = of_epoch.access_counts or [_counts(sample.emb_index, n) for sample in samples]
    used = float(np.mean([np.count_nonzero(count) / n for count in counts]))
    by_sample = {"perplexity": float(np.mean([perplexity(count) for count in counts])), "codebook_usage": used}
    if isinstance(it.result, FiniteScalarResult):
        books = [(sample.vectors[:0], np.zeros(0)) for sample in samples]
    else:
        has_spacing = "emb_closest_spacing" not in it.result.absent_endpoints
        books = [
            (_nan_unless_finite(own.emb_space.numpy()), own.emb_closest_spacing.numpy() if has_spacing else np.zeros(0))
            for own in it.result.passes
        ]
    codebooks = [Codebook(*of_one) for of_one in zip(counts, samples, *zip(*books, strict=True), strict=True)]
    return Look(it.layer, codebooks, of_epoch.told or by_sample)


def _nan_unless_finite(rows: Array) -> Array:
    """Return rows, ``[n, d]``, of NaN where they are not finite, which arithmetic passes on without a warning."""
    return np.where(np.isfinite(rows).all(axis=-1, keepdims=True), rows, np.nan)


def _counts(emb_index: Array, n: int) -> Array:
    """Return how often each index occurs, ``[n]``; of a grid too large for an array, of those that do."""
    if n > LARGEST_COUNTED:
        return np.unique(emb_index, return_counts=True)[1].astype(np.float64)
    return np.bincount(emb_index, minlength=n).astype(np.float64)


def rms(arrays: Iterable[Array]) -> float:
    """Return the root mean square of all finite values; NaN where there are none."""
    values = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else np.nan


def ratio(one: float, other: float) -> float:
    """Return ``one / other``; infinite where the other is 0."""
    return one / other if other else np.inf


def in_even_shares(access_count: Array) -> Array:
    """Return how often each embedding was chosen, in multiples of what each would be if all were equally often."""
    mean = np.mean(access_count)
    return access_count / mean if mean else access_count
