"""The two layers by cosine similarity, which are not trained."""

from typing import Any, ClassVar

import keras

from vq_layer import validation
from vq_layer.core.quantizer import Quantizer
from vq_layer.layers import arguments, warn
from vq_layer.layers.quantizer import QuantizerLayer
from vq_layer.parts import starts
from vq_layer.parts.choices import Chooser, Majority, Nearest
from vq_layer.parts.comparisons import cosine_of
from vq_layer.parts.estimators import NoGradient


class _CosineLayer(QuantizerLayer):
    """A quantizer by cosine similarity, without losses."""

    default_comparison: ClassVar[str] = "cosine"

    def __init__(
        self,
        n: int,
        choice: Chooser,
        comparison: Any,
        start: Any,
        num_splits: int,
        return_endpoints: bool,
        **kwargs: Any,
    ) -> None:
        arguments.refuse(type(self).__name__, self.default_comparison, kwargs)
        quantizer = Quantizer(
            n=n,
            comparison=cosine_of(comparison),
            choice=choice,
            estimator=NoGradient(),
            start=starts.start_of(start),
            num_splits=num_splits,
        )
        super().__init__(quantizer, return_endpoints, counts_usage=False, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable."""
        it, kept = self.quantizer, keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "n": it.n,
            "comparison": kept(it.comparison),
            "start": kept(it.start),
            "num_splits": it.num_splits,
            "return_endpoints": self.return_endpoints,
        }


@keras.saving.register_keras_serializable(package="vq_layer")
class CosineVectorQuantization(_CosineLayer):
    """Replace every vector of the input by the embedding of the largest cosine similarity.

    The embedding space is not trainable, there are no losses, and no gradient passes. For one that learns, use
    `VectorQuantization` with ``comparison="cosine"``.

    Parameters
    ----------
    n : int
        The number of embeddings.
    comparison : Cosine, or PCA of it, or "cosine"
        The space in which the similarity is taken.
    start, num_splits, **kwargs
        As in `VectorQuantization`.
    return_endpoints : bool
        Whether a call returns `Endpoints`.

    Examples
    --------
    >>> layer = CosineVectorQuantization(2)
    >>> layer.build((None, 2))
    >>> _ = layer.emb_space.assign([[9.0, 0.0], [1.0, 1.0]])
    >>> layer(keras.ops.array([[2.0, 2.1]])).numpy()
    array([[1., 1.]], dtype=float32)
    """

    def __init__(
        self,
        n: int,
        *,
        comparison: Any = "cosine",
        start: Any = None,
        num_splits: int = 1,
        return_endpoints: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(n, Nearest(), comparison, start, num_splits, return_endpoints, **kwargs)


@keras.saving.register_keras_serializable(package="vq_layer")
class CosineKNNVectorQuantization(_CosineLayer):
    """Replace every vector of the input by an embedding of the label most common among its k most similar ones.

    The embedding space is not trainable, and there are no losses. The labels are a weight, too: they are saved with
    the embeddings, and ``layer.emb_labels.assign(...)`` changes them. Labels out of range are then a
    `tf.errors.InvalidArgumentError` of the next call; compiled by XLA, which raises nothing, every vector comes out as
    NaN, with label -1.

    Parameters
    ----------
    emb_labels : array, shape [n], int32 or int64
        The label of each embedding, in [0, num_classes).
    num_classes : int
        The number of labels.
    k : int
        How many embeddings vote, at most n.
    n : int
        The number of embeddings.
    comparison, num_splits, **kwargs
        As in `CosineVectorQuantization`.
    start : Keras initializer, its name, class or configuration, function, or array
        How the embedding space starts, as in `VectorQuantization` but for a batch.
    return_endpoints : bool
        Whether a call returns `Endpoints`.
    majority_threshold : float
        If not negative, a vector is mapped to itself when the share of the winning votes among k is less. Its gradient
        is then the identity. Above 1 all are; a number from 2 on, other than infinity, is warned of.
    representative : {"first", "nearest"}
        Whether the output is the first embedding that bears the winning label or the most similar one of the k.

    Examples
    --------
    >>> layer = CosineKNNVectorQuantization([7, 7, 3], num_classes=10, k=3, n=3, return_endpoints=True)
    >>> layer.build((None, 2))
    >>> _ = layer.emb_space.assign([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> layer(keras.ops.array([[5.0, 1.0]])).most_common_label.numpy()
    array([[7]])
    """

    def __init__(
        self,
        emb_labels: Any,
        num_classes: int,
        k: int,
        n: int,
        *,
        comparison: Any = "cosine",
        start: Any = None,
        num_splits: int = 1,
        return_endpoints: bool = False,
        majority_threshold: float = -1,
        representative: str = "first",
        **kwargs: Any,
    ) -> None:
        validation.check_num_embeds(n)
        if isinstance(emb_labels, dict):  # from a configuration
            emb_labels = keras.saving.deserialize_keras_object(emb_labels)
        choice = Majority(emb_labels, num_classes, k, majority_threshold, representative)
        warn.of_a_threshold_in_percent(choice.majority_threshold)
        super().__init__(n, choice, comparison, start, num_splits, return_endpoints, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable; the labels as they were first given."""
        choice = self.quantizer.choice
        return {**super().get_config(), **choice.get_config()}
