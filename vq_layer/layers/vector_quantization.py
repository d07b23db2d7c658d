"""The Keras 3 layers."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from vq_layer import validation
from vq_layer.assertions import labels_in_range
from vq_layer.core import quantizers
from vq_layer.core.quantizers import CosineVQEndpoints, CosineVQResult, VQEndpoints, VQResult
from vq_layer.kernels.lookup import access_count
from vq_layer.layers.metrics import CodebookUsage, Perplexity, unique_names
from vq_layer.layers.on_demand import LossesOnDemand, flattened
from vq_layer.layers.quantizer import Quantizer, in_json, number_of
from vq_layer.parts import replacement
from vq_layer.parts.replacement import ReplacementState
from vq_layer.shapes import static_shape


@keras.saving.register_keras_serializable(package="vq_layer")
class VectorQuantization(LossesOnDemand, Quantizer):
    """Replace every vector of the input by the nearest embedding of a trainable embedding space.

    The losses that train the embedding space come out through `add_loss`, in `keras.config.floatx()`, so that `fit`
    adds them to the objective, in this order: alpha-loss (mean over all vectors of ``alpha * ||nearest embedding -
    vector||_p``), beta-loss (mean over all vectors of ``beta * sum over all embeddings of ||vector - embedding||_p``),
    Coulomb-loss (``-gamma * sum over all embeddings of the distance to the nearest other one``). The gradient to the
    input is the identity. `fit` and `evaluate` report the metrics ``perplexity`` and ``codebook_usage`` over their
    batches; where the model that is called holds several such layers, ``<layer name>_perplexity`` and
    ``<layer name>_codebook_usage``, from its first training or evaluation on. An inference pass counts when the losses
    of the layer or of the model are read after it, as an evaluation does; called eagerly, it computes the losses only
    then: read them inside the gradient tape.

    While the layer is frozen, ``trainable = False``, training changes nothing: neither by the optimizer, nor by
    `embedding_initializer` "batch", nor by what `num_embeds_replaced` gathers. `initialize_from_batch` and
    `replace_embeds` act whenever they are called.

    Parameters
    ----------
    n : int
        The number of embeddings.
    alpha, beta, gamma : float
        The weights of the losses, any finite numbers: a negative one reverses what its loss pulls or pushes. A loss
        whose weight is 0 is absent; with all three at 0 the embedding space is not trainable.
    lookup_ord : {1, 2, numpy.inf}
        The order p of the norm; L2 is not squared.
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
        Whether to compare in a space of principal components, and whether these are fitted on the embedding space
        followed by the batch, or on the embedding space alone.
    num_dim_reduction_components : int
        The number of components, with a `dim_reduction`.
    embedding_initializer : Keras initializer, its name, class or configuration, function, array, or "batch"
        How the embedding space starts. An array, tensor or list of the shape [n, d] holds its values; the
        configuration keeps them. "batch" sets it to the first n vectors of the first training batch, once; it is zero
        until then, of which the first inference warns.
    num_splits : int
        How many vectors the last axis of the input holds, a divisor of q.
    num_embeds_replaced : int
        If positive, training passes gather the usage of the embeddings and this many of the most distant inputs, and
        `replace_embeds` writes these over the least used embeddings.
    return_endpoints : bool
        Whether a call returns `VQEndpoints`.
    **kwargs
        Those of `keras.layers.Layer`.

    Input shape
    -----------
    ``[batch, ..., q]``, any rank from 2, q static.

    Output shape
    ------------
    That of the input. Each vector of size ``d = q / num_splits`` is a row of the embedding space, bit for bit. Ties go
    to the lowest index. A vector with a NaN or infinite coordinate comes out as NaN. A mask passes through; what it
    hides is quantized, counted and trained on all the same.

    Examples
    --------
    >>> layer = VectorQuantization(2, num_splits=2)
    >>> layer.build((None, 2))
    >>> _ = layer.emb_space.assign([[0.0], [1.0]])
    >>> layer.encode([[0.2, 0.9]]).numpy()
    array([[0, 1]])
    >>> layer(keras.ops.array([[0.2, 0.9]])).numpy()
    array([[0., 1.]], dtype=float32)

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017.
    """

    def __init__(
        self,
        n: int,
        *,
        alpha: float = 0.1,
        beta: float = 1e-4,
        gamma: float = 1e-6,
        lookup_ord: float = 2,
        dim_reduction: str | None = None,
        num_dim_reduction_components: int = -1,
        embedding_initializer: Any = None,
        num_splits: int = 1,
        num_embeds_replaced: int = 0,
        return_endpoints: bool = False,
        **kwargs: Any,
    ) -> None:
        lookup_ord = number_of(lookup_ord)
        validation.check_lookup_ord(lookup_ord)
        for weight_name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
            validation.check_weight(weight_name, weight)
        super().__init__(
            n,
            dim_reduction=dim_reduction,
            num_dim_reduction_components=num_dim_reduction_components,
            embedding_initializer=embedding_initializer,
            num_splits=num_splits,
            return_endpoints=return_endpoints,
            trainable_emb_space=any((alpha, beta, gamma)),
            **kwargs,
        )
        validation.check_num_embeds_replaced(num_embeds_replaced, n)
        self.alpha, self.beta, self.gamma = float(alpha), float(beta), float(gamma)
        self.lookup_ord = float(lookup_ord)
        self.num_embeds_replaced = int(num_embeds_replaced)
        self._usage_metrics = [Perplexity(self.n, "perplexity"), CodebookUsage(self.n, "codebook_usage")]

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape, ``[batch, ..., q]``."""
        super().build(input_shape)
        if self.num_embeds_replaced:
            slots, d = self.num_embeds_replaced, static_shape(self.emb_space)[-1]
            self._state = ReplacementState(
                self.add_state("accumulated_usage_count", (self.n,), dtype="float32"),
                self.add_state("distant_inputs", (slots, d)),
                self.add_state("input_distances", (slots,)),
            )
            self._passes = self.add_state("passes_since_replacement", (), dtype="int64")

    def _endpoints(self, of_call: tuple[tf.Tensor, ...]) -> VQEndpoints:
        # A functional model admits only tensors as outputs of `call`, so the two endpoints of graphs join here.
        return VQEndpoints._make((*of_call, None, None))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor | tuple[tf.Tensor, ...]:
        """Quantize x and add the losses; see `__call__`."""
        emb_space = self.prepared_emb_space(x, training)
        result = self._quantize(x, emb_space)
        self.keep_emb_space(emb_space, training, checked=result.emb_index)
        self._account_for(result, training)
        if not self.return_endpoints:
            return result.layer_out
        return (
            result.layer_out,
            emb_space,
            access_count(result.emb_index, self.n),
            result.distance,
            result.emb_spacing,
            result.emb_closest_spacing,
        )

    def _quantize(self, x: tf.Tensor, emb_space: tf.Tensor) -> VQResult:
        return quantizers.vector_quantization(
            x,
            emb_space,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            lookup_ord=self.lookup_ord,
            **self.comparison,
            return_all=self.return_endpoints,
            return_nearest=self.num_embeds_replaced > 0,
        )

    def _emb_index(self, x: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        return quantizers.nearest_embeddings(x, emb_space, self.lookup_ord, **self.comparison)

    def _account_for(self, result: VQResult, training: bool | None) -> None:
        """Add the losses and count the usage, of an inference pass only if its losses are read, as an evaluation does.

        Else an exported model would count every request, and an eager inference compute losses that nobody wants.
        """
        losses, emb_index, outermost = result.losses, result.emb_index, self.outermost_layer()

        def add_losses() -> None:
            for loss in losses().values():
                self.add_loss(tf.cast(loss, keras.config.floatx()))  # in which Keras sums them with its own

        def count() -> tf.Tensor:
            return self._count(access_count(emb_index, self.n), outermost)

        if training or not tf.executing_eagerly():  # in a graph, what is not read is pruned
            add_losses()
        else:
            self.when_losses_are_read(add_losses)
        if training:
            self._accumulate(result, count())
        else:
            self.when_losses_are_read(count)

    def _count(self, counts: tf.Tensor, outermost: keras.layers.Layer) -> tf.Tensor:
        """Update the metrics, named after the layer if the outermost layer holds several such layers."""
        layers = vector_quantizations(outermost)
        if len(layers) > 1:
            for layer, name in zip(layers, unique_names([it.name for it in layers]), strict=True):
                for metric in layer._usage_metrics:
                    metric.name_after(name)
        for metric in self._usage_metrics:
            metric.update_state(counts)
        return counts

    def _accumulate(self, result: VQResult, counts: tf.Tensor) -> None:
        """Take in what a training pass leaves for a replacement."""
        if not (self.num_embeds_replaced and self.trainable):
            return
        passed = replacement.accumulate_nearest(self.replacement_state, counts, result.vectors, result.nearest_distance)
        for variable, value in zip(self._state, passed, strict=True):
            variable.assign(value)
        if self.first_in_pass():
            with tf.control_dependencies(passed):  # a pass that fails does not count
                self._passes.assign_add(1)

    @property
    def passes_since_replacement(self) -> tf.Tensor:
        """How many training passes have gathered since the last replacement: a scalar, int64.

        A layer that is called several times in one pass of a model counts it once.
        """
        return tf.convert_to_tensor(self._passes)

    @property
    def replacement_state(self) -> ReplacementState:
        """What training passes have gathered since the last replacement."""
        return ReplacementState(*map(tf.convert_to_tensor, self._state))

    def replace_embeds(self) -> tf.Tensor:
        """Write the most distant inputs over the least used embeddings, and start to gather anew.

        A frozen layer gathers nothing, but what it had gathered before is written, too. What an optimizer keeps for
        these rows should start anew then (`vq_layer.layers.slots.reset_slots`); the callback
        `ReplaceEmbeddings` does both.

        Returns
        -------
        tf.Tensor, shape [n], bool
            Which embeddings are new.
        """
        if not self.num_embeds_replaced:
            raise ValueError("`num_embeds_replaced` must be positive to replace. Received: num_embeds_replaced=0")
        validation.check_built(self, "replace_embeds")
        outcome = replacement.replace_embeds(self.replacement_state, tf.convert_to_tensor(self.emb_space))
        self.emb_space.assign(outcome.emb_space)
        for variable, value in zip(self._state, outcome.state, strict=True):
            variable.assign(value)
        self._passes.assign(0)
        return outcome.replaced

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
            "gamma": self.gamma,
            "lookup_ord": in_json(self.lookup_ord),
            "num_embeds_replaced": self.num_embeds_replaced,
        }


def vector_quantizations(layer: keras.layers.Layer) -> list[VectorQuantization]:
    """Return those in a layer or a model, at any depth, each once."""
    return [it for it in flattened(layer) if isinstance(it, VectorQuantization)]


class _CosineQuantizer(Quantizer):
    """What the cosine layers share: endpoints, some of which are absent, and no training."""

    def _endpoints(self, of_call: tuple[tf.Tensor, ...]) -> CosineVQEndpoints:
        endpoints = CosineVQEndpoints._make((*of_call, None))
        return endpoints._replace(**dict.fromkeys(self._absent_endpoints()))

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor | tuple[tf.Tensor, ...]:
        """Quantize x; see `__call__`."""
        emb_space = self.prepared_emb_space(x, training)
        result = self._quantize(x, emb_space)
        self.keep_emb_space(emb_space, training, checked=result.layer_out)
        if not self.return_endpoints:
            return result.layer_out
        endpoints = (
            result.layer_out,
            emb_space,
            result.percentage_identity_mapped,
            result.similarity_values,
            result.identity_mapping_mask,
            result.most_common_label,
        )
        # A functional model admits only tensors, and finds them again by their place: any in the place of the absent.
        return tuple(tf.zeros([]) if endpoint is None else endpoint for endpoint in endpoints)

    def _absent_endpoints(self) -> list[str]:
        """Return the names of the endpoints that this layer does not have."""
        return ["identity_mapping_mask", "most_common_label"]

    def _quantize(self, x: tf.Tensor, emb_space: tf.Tensor) -> CosineVQResult:
        """Quantize x with the given embedding space."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="vq_layer")
class CosineVectorQuantization(_CosineQuantizer):
    """Replace every vector of the input by the embedding of the largest cosine similarity.

    The embedding space is not trainable, there are no losses, and no gradient passes.

    Parameters
    ----------
    n : int
        The number of embeddings.
    dim_reduction, num_dim_reduction_components, embedding_initializer, num_splits, **kwargs
        As in `VectorQuantization`.
    return_endpoints : bool
        Whether a call returns `CosineVQEndpoints`.

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
        dim_reduction: str | None = None,
        num_dim_reduction_components: int = -1,
        embedding_initializer: Any = None,
        num_splits: int = 1,
        return_endpoints: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            n,
            dim_reduction=dim_reduction,
            num_dim_reduction_components=num_dim_reduction_components,
            embedding_initializer=embedding_initializer,
            num_splits=num_splits,
            return_endpoints=return_endpoints,
            trainable_emb_space=False,
            **kwargs,
        )

    def _quantize(self, x: tf.Tensor, emb_space: tf.Tensor) -> CosineVQResult:
        return quantizers.cosine_vector_quantization(x, emb_space, **self.comparison)

    def _emb_index(self, x: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        return quantizers.most_similar_embeddings(x, emb_space, 1, **self.comparison).emb_index[..., 0]


@keras.saving.register_keras_serializable(package="vq_layer")
class CosineKNNVectorQuantization(_CosineQuantizer):
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
    dim_reduction, num_dim_reduction_components, num_splits, **kwargs
        As in `VectorQuantization`.
    embedding_initializer : Keras initializer, its name, class or configuration, function, or array
        How the embedding space starts, as in `VectorQuantization` but for "batch".
    return_endpoints : bool
        Whether a call returns `CosineVQEndpoints`.
    majority_threshold : float
        If not negative, a vector is mapped to itself when the share of the winning votes among k is less. Its gradient
        is then the identity.
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
        dim_reduction: str | None = None,
        num_dim_reduction_components: int = -1,
        embedding_initializer: Any = None,
        num_splits: int = 1,
        return_endpoints: bool = False,
        majority_threshold: float = -1,
        representative: str = "first",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            n,
            dim_reduction=dim_reduction,
            num_dim_reduction_components=num_dim_reduction_components,
            embedding_initializer=embedding_initializer,
            num_splits=num_splits,
            return_endpoints=return_endpoints,
            trainable_emb_space=False,
            **kwargs,
        )
        majority_threshold = number_of(majority_threshold)
        validation.check_vote(n, num_classes, k, majority_threshold, representative, embedding_initializer)
        if isinstance(emb_labels, dict):  # from a configuration
            emb_labels = keras.saving.deserialize_keras_object(emb_labels)
        labels = np.asarray(emb_labels)
        validation.check_labels(labels, n, num_classes)
        self.num_classes, self.k = int(num_classes), int(k)
        self.majority_threshold, self.representative = float(majority_threshold), representative
        self._initial_labels = labels

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape, ``[batch, ..., q]``."""
        super().build(input_shape)
        self.emb_labels = self.add_state(
            "emb_labels", (self.n,), self._initial_labels, dtype=self._initial_labels.dtype.name
        )

    def _absent_endpoints(self) -> list[str]:
        return [] if self.majority_threshold >= 0 else ["identity_mapping_mask"]

    def _quantize(self, x: tf.Tensor, emb_space: tf.Tensor) -> CosineVQResult:
        return quantizers.cosine_knn_vector_quantization(
            x, emb_space=emb_space, majority_threshold=self.majority_threshold, **self._election
        )

    def _emb_index(self, x: tf.Tensor, emb_space: tf.Tensor) -> tf.Tensor:
        return quantizers.elected_embeddings(x, emb_space=emb_space, **self._election)[1].emb_index

    @property
    def _election(self) -> dict[str, Any]:
        """Who votes, and how."""
        return {
            "emb_labels": labels_in_range(tf.convert_to_tensor(self.emb_labels), self.num_classes),
            "num_classes": self.num_classes,
            "k": self.k,
            "representative": self.representative,
            **self.comparison,
        }

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serializable; the labels as they were first given."""
        return {
            **super().get_config(),
            "emb_labels": keras.saving.serialize_keras_object(self._initial_labels),  # with their dtype
            "num_classes": self.num_classes,
            "k": self.k,
            "majority_threshold": in_json(self.majority_threshold),
            "representative": self.representative,
        }
