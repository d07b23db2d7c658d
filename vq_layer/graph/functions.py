"""The functions for graphs: `tf.Graph` with a v1 `Session`, or `tf.compat.v1.wrap_function`."""

from typing import Any

import tensorflow as tf

from vq_layer import validation
from vq_layer.core.quantizer import Quantizer, quantize
from vq_layer.graph import building, starting
from vq_layer.graph.endpoints import CosineVQEndpoints, VQEndpoints
from vq_layer.parts.choices import Majority
from vq_layer.parts.comparisons import Cosine, Norm
from vq_layer.parts.estimators import NoGradient, estimator_of
from vq_layer.parts.losses import Alpha, Beta, Coulomb, losses_of
from vq_layer.parts.updates import update_of

v1 = tf.compat.v1


@building.warn_of_idle_replacement
def vector_quantization(
    x: tf.Tensor,
    n: int,
    alpha: float | tf.Tensor = 0.1,
    beta: float | tf.Tensor = 1e-4,
    gamma: float | tf.Tensor = 1e-6,
    lookup_ord: float = 2,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    embedding_initializer: Any = v1.random_normal_initializer,
    constant_init: bool = False,
    num_splits: int = 1,
    num_embeds_replaced: int = 0,
    is_training: bool | tf.Tensor = False,
    return_endpoints: bool = False,
    name: str = "vq",
    *,
    losses: Any = (),
    update: Any = "gradient",
    estimator: Any = "straight-through",
    replacement: Any = None,
    mask: tf.Tensor | None = None,
) -> tf.Tensor | VQEndpoints:
    """Replace every vector of x by the nearest embedding of a trainable embedding space, in a graph.

    The embedding space is the variable ``<name>/emb_space`` of shape ``[n, d]``, ``d = q / num_splits``. The losses
    that train it, each a scalar, join the collection ``tf.compat.v1.GraphKeys.LOSSES`` in this order:

    - ``<name>/alpha_loss``: mean over all vectors of ``alpha * ||nearest embedding - vector||_p``;
    - ``<name>/beta_loss``: mean over all vectors of ``beta * sum over all embeddings of ||vector - embedding||_p``;
    - ``<name>/coulomb_loss``: ``-gamma * sum over all embeddings of the distance to the nearest other one``.

    Beside the arguments of 2018, it takes parts that are younger, by keyword.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, r, q], floating dtype
        The inputs; batch and r may be unknown, q is static.
    n : int
        The number of embeddings.
    alpha, beta, gamma : float or scalar tf.Tensor
        The weights of the losses; a negative one reverses what its loss pulls or pushes. A loss whose weight is the
        number 0 is absent.
    lookup_ord : float
        The order p of the norm, at least 1; infinity is the largest magnitude. L2 is not squared.
    dim_reduction : {None, "pca-batch", "pca-emb-space"}
        Whether to compare in a space of principal components, and whether these are fitted on the embedding space
        followed by the batch, or on the embedding space alone.
    num_dim_reduction_components : int
        The number of components, with a `dim_reduction`.
    embedding_initializer : initializer, its class, the name of a Keras initializer, or "batch"
        How the embedding space starts. "batch" adds an op that sets it to the first n vectors of a batch, and until it
        has run, or a checkpoint is restored, what looks up in the embedding space fails. With `constant_init` the
        values themselves, of shape [n, d].
    constant_init : bool
        Whether `embedding_initializer` is a constant.
    num_splits : int
        How many vectors the last axis of x holds, a divisor of q.
    num_embeds_replaced : int
        If positive, each training pass gathers the usage of the embeddings and this many of the most distant inputs,
        and the endpoint ``replace_embeds`` writes these over the least used embeddings. A pass is a run that computes
        ``layer_out``, a loss, ``access_count``, ``distance``, the op ``emb_index`` or a gradient of one of these, as
        every step of training does; one that computes several gathers once. Run ``replace_embeds`` by itself: fetched
        together with a pass, the two may come in any order. As in 2018, ignored without `return_endpoints`, with a
        warning.
    is_training : bool or scalar bool tf.Tensor
        Whether a pass is a training pass. Where it is the bool False, nothing is ever gathered: a replacement for which
        it is not given comes with a warning.
    return_endpoints : bool
        Whether to return `VQEndpoints`.
    name : str
        The variable scope.
    losses : list of parts of `vq_layer.parts.losses`, or their names, or one of these
        Further losses, such as ``["codebook", Commitment(0.25)]``, which join the collection, too.
    update : a part of `vq_layer.parts.updates`, or its name
        With `MovingAverage` the embedding space is not trainable, training passes move it, and alpha, beta and gamma
        must be 0.
    estimator : a part of `vq_layer.parts.estimators`, or its name
        How a gradient passes to x.
    replacement : a part of `vq_layer.parts.replacement`, or its name, or None
        Such as `DeadCodes`, in the place of `num_embeds_replaced`; training passes gather, and with its `every`
        replace. What it and the update keep are variables of the scope.
    mask : tf.Tensor, bool, or None
        Which vectors count, of the shape of x without its last axis, or of a leading part of that. The others come out
        as they are, and are otherwise as if they were not there.

    Returns
    -------
    tf.Tensor, shape and dtype of x, or VQEndpoints
        Each vector of the output is a row of the embedding space, bit for bit. Ties go to the lowest index. A vector
        with a NaN or infinite coordinate comes out as NaN. The gradient to x is the identity.

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule; nothing has been built then.
    tf.errors.InvalidArgumentError
        When it runs: more components than fitted rows admit; a batch that cannot initialize; a lookup before "batch"
        has initialized.
    RuntimeError
        Outside a graph: eagerly, on a KerasTensor or inside a `tf.function`. Use `vq_layer.VectorQuantization` there.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017.
    """
    building.require_graph(x, "VectorQuantization")
    x = tf.convert_to_tensor(x)
    d = building.vector_size(x, n, num_splits, dim_reduction, num_dim_reduction_components)
    validation.check_lookup_ord("lookup_ord", lookup_ord)
    for weight_name, weight in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        validation.check_weight_or_schedule(weight_name, weight)
    validation.check_num_embeds_replaced(num_embeds_replaced, n)
    validation.check_is_training(is_training)
    if constant_init:
        validation.check_constant(embedding_initializer, (n, d))
    if mask is not None:
        mask = tf.convert_to_tensor(mask)
        validation.check_mask(mask, x)
    quantizer = Quantizer(
        n=n,
        comparison=building.in_space(Norm(lookup_ord), dim_reduction, num_dim_reduction_components),
        losses=(Alpha(alpha), Beta(beta), Coulomb(gamma), *losses_of(losses)),
        update=update_of(update),
        estimator=estimator_of(estimator),
        replacement=building.replacement_of(replacement, num_embeds_replaced, return_endpoints),
        num_splits=num_splits,
    )
    with v1.variable_scope(name):
        kept = building.created(
            quantizer, d, x, embedding_initializer, constant_init, quantizer.update.by_gradient, "VectorQuantization"
        )
        result, emb_space = (
            quantize(x, kept.state, quantizer, mask=mask, all_pairs=return_endpoints),
            kept.variables["emb_space"],
        )
        updates, replace_embeds = building.training_ops(result, quantizer, kept, is_training)
        for loss_name, loss in result.losses().items():
            v1.add_to_collection(v1.GraphKeys.LOSSES, tf.identity(building.after(updates, loss), name=loss_name))
        layer_out = tf.identity(building.after(updates, result.layer_out), name="layer_out")
        tf.identity(building.after(updates, result.emb_index), name="emb_index")
        if not return_endpoints:
            return layer_out
        return VQEndpoints(
            layer_out=layer_out,
            emb_space=emb_space,
            access_count=tf.identity(building.after(updates, result.access_count), name="access_count"),
            distance=building.after(updates, result.distance),
            emb_spacing=result.emb_spacing,
            emb_closest_spacing=result.emb_closest_spacing,
            replace_embeds=replace_embeds,
            emb_space_batch_init=building.batch_init_op(x, emb_space, num_splits, embedding_initializer),
        )


def cosine_vector_quantization(
    x: tf.Tensor,
    n: int,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    embedding_initializer: Any = v1.random_normal_initializer,
    constant_init: bool = False,
    num_splits: int = 1,
    return_endpoints: bool = False,
    name: str = "vq",
) -> tf.Tensor | CosineVQEndpoints:
    """Replace every vector of x by the embedding of the largest cosine similarity, in a graph.

    The embedding space is the variable ``<name>/emb_space`` of shape ``[n, d]``, ``d = q / num_splits``. It is not
    trainable, there are no losses, and no gradient passes.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, r, q], floating dtype
    n : int
        The number of embeddings.
    dim_reduction, num_dim_reduction_components, embedding_initializer, constant_init, num_splits, name
        As in `vector_quantization`.
    return_endpoints : bool
        Whether to return `CosineVQEndpoints`.

    Returns
    -------
    tf.Tensor, shape and dtype of x, or CosineVQEndpoints
        Each vector of the output is a row of the embedding space, bit for bit. Ties go to the lowest index; a zero
        vector has similarity 0 to everything. A vector with a NaN or infinite coordinate comes out as NaN.

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule; nothing has been built then.
    tf.errors.InvalidArgumentError
        When it runs: more components than fitted rows admit; a batch that cannot initialize; a lookup before "batch"
        has initialized.
    RuntimeError
        Outside a graph: eagerly, on a KerasTensor or inside a `tf.function`. Use
        `vq_layer.CosineVectorQuantization` there.
    """
    layer = "CosineVectorQuantization"
    building.require_graph(x, layer)
    x = tf.convert_to_tensor(x)
    d = building.vector_size(x, n, num_splits, dim_reduction, num_dim_reduction_components)
    quantizer = Quantizer(
        n=n,
        comparison=building.in_space(Cosine(), dim_reduction, num_dim_reduction_components),
        estimator=NoGradient(),
        num_splits=num_splits,
    )
    return _by_cosine(x, d, quantizer, embedding_initializer, constant_init, return_endpoints, name, layer)


def cosine_knn_vector_quantization(
    x: tf.Tensor,
    emb_labels: Any,
    num_classes: int,
    k: int,
    n: int,
    dim_reduction: str | None = None,
    num_dim_reduction_components: int = -1,
    embedding_initializer: Any = v1.random_normal_initializer,
    constant_init: bool = False,
    num_splits: int = 1,
    return_endpoints: bool = False,
    majority_threshold: float = -1,
    name: str = "vq",
    *,
    representative: str = "first",
) -> tf.Tensor | CosineVQEndpoints:
    """Replace every vector of x by an embedding of the label most common among its k most similar ones, in a graph.

    The embedding space is the variable ``<name>/emb_space`` of shape ``[n, d]``, ``d = q / num_splits``. It is not
    trainable, and there are no losses.

    Parameters
    ----------
    x : tf.Tensor, shape [batch, r, q], floating dtype
        The inputs; batch and r may be unknown, q is static.
    emb_labels : array, tf.Tensor or tf.Variable, shape [n], int32 or int64
        The label of each embedding, in [0, num_classes).
    num_classes : int
        The number of labels.
    k : int
        How many embeddings vote, at most n.
    n : int
        The number of embeddings.
    dim_reduction, num_dim_reduction_components, constant_init, num_splits, name
        As in `vector_quantization`.
    embedding_initializer : initializer, its class, or the name of a Keras initializer
        As in `vector_quantization`, but for "batch": inputs have no labels.
    return_endpoints : bool
        Whether to return `CosineVQEndpoints`.
    majority_threshold : float
        If not negative, a vector is mapped to itself when the share of the winning votes among k is less. Its gradient
        is then the identity.
    representative : {"first", "nearest"}
        Whether the output is the first embedding that bears the winning label or the most similar one of the k.

    Returns
    -------
    tf.Tensor, shape and dtype of x, or CosineVQEndpoints
        On ties, lower indices vote first and lower labels win. A vector with a NaN or infinite coordinate comes out as
        NaN, with label -1, and is not mapped to itself.

    Raises
    ------
    ValueError, TypeError
        Where an argument breaks its rule; nothing has been built then.
    tf.errors.InvalidArgumentError
        When it runs: more components than fitted rows admit; a label out of range.
    RuntimeError
        Outside a graph: eagerly, on a KerasTensor or inside a `tf.function`. Use
        `vq_layer.CosineKNNVectorQuantization` there.
    """
    layer = "CosineKNNVectorQuantization"
    building.require_graph(x, layer)
    x = tf.convert_to_tensor(x)
    d = building.vector_size(x, n, num_splits, dim_reduction, num_dim_reduction_components)
    if starting.is_batch(embedding_initializer):
        raise ValueError(
            "`embedding_initializer` must not be 'batch' with labels, which would mean nothing for inputs. "
            "Received: embedding_initializer='batch'"
        )
    quantizer = Quantizer(
        n=n,
        comparison=building.in_space(Cosine(), dim_reduction, num_dim_reduction_components),
        choice=Majority(emb_labels, num_classes, k, majority_threshold, representative),
        estimator=NoGradient(),
        num_splits=num_splits,
    )
    return _by_cosine(x, d, quantizer, embedding_initializer, constant_init, return_endpoints, name, layer)


def _by_cosine(
    x: tf.Tensor,
    d: int,
    quantizer: Quantizer,
    embedding_initializer: Any,
    constant_init: bool,
    return_endpoints: bool,
    name: str,
    layer: str,
) -> tf.Tensor | CosineVQEndpoints:
    """Build what both cosine functions do."""
    if constant_init:
        validation.check_constant(embedding_initializer, (quantizer.n, d))
    with v1.variable_scope(name):
        kept = building.created(quantizer, d, x, embedding_initializer, constant_init, False, layer)
        result, emb_space = quantize(x, kept.state, quantizer), kept.variables["emb_space"]
        batch_init = building.batch_init_op(x, emb_space, quantizer.num_splits, embedding_initializer)
        layer_out = tf.identity(result.layer_out, name="layer_out")
        tf.identity(result.emb_index, name="emb_index")
        if not return_endpoints:
            return layer_out
        return CosineVQEndpoints(
            layer_out=layer_out,
            emb_space=emb_space,
            percentage_identity_mapped=result.percentage_identity_mapped,
            similarity_values=result.similarity_values,
            identity_mapping_mask=result.identity_mapping_mask,
            most_common_label=result.most_common_label,
            emb_space_batch_init=batch_init,
        )
