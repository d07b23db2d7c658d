"""Mistakes that users make, and what they read then: the argument, its rule and the value received."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from vq_layer import (
    CosineKNNVectorQuantization,
    FiniteScalarQuantization,
    FromBatch,
    MovingAverage,
    ReplaceEmbeddings,
    ResidualVectorQuantization,
    VectorQuantization,
)

X = np.random.default_rng(0).standard_normal((5, 3, 6)).astype(np.float32)
WITH_NAN = np.where(np.arange(90).reshape(X.shape) == 7, np.nan, X)
IMAGE = np.zeros((2, 8, 4, 4), np.float32)  # channels first


def layer_of(**arguments):
    return VectorQuantization(4, **{"start": "normal", **arguments})


def built(**arguments):
    layer = layer_of(**arguments)
    layer.build(X.shape)
    return layer


def vote(emb_labels=(0, 1, 1, 0), **arguments):
    return CosineKNNVectorQuantization(list(emb_labels), **{"num_classes": 2, "k": 2, "n": 4, **arguments})


def fit(layer, **how):
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Dense(6), layer], name="model")
    model.compile("sgd", "mse", jit_compile=False)
    model.fit(X, X, verbose=0, **how)


def relabelled():
    layer = vote()
    layer.build(X.shape)
    layer.emb_labels.assign([1, 2, 1, 2])
    layer(X)


def compiled(function, *arguments):
    return tf.function(function, autograph=False)(*arguments)


def loaded_elsewhere():
    """Load a model as a program does that has not imported the package."""
    config = keras.saving.serialize_keras_object(layer_of())
    known = keras.saving.get_custom_objects()
    hidden = {name: known.pop(name) for name in list(known) if name.startswith("vq_layer>")}
    try:
        return keras.saving.deserialize_keras_object(config)
    finally:
        known.update(hidden)


INVALID = tf.errors.InvalidArgumentError

# What is done, the error, and what it says.
CONSTRUCTION = {
    "no n": (VectorQuantization, TypeError, "`n` must be an integer. Received: n=None"),
    "n of 0": (lambda: VectorQuantization(0), ValueError, "`n` must be at least 1. Received: n=0"),
    "n of a float": (lambda: VectorQuantization(512.0), TypeError, "`n` must be an integer. Received: n=512.0"),
    "n by the name of Sonnet": (
        lambda: VectorQuantization(num_embeddings=512, embedding_dim=64),
        TypeError,
        "VectorQuantization has other names: `num_embeddings` is `n=512`, `embedding_dim` is `the last axis of the "
        "input, divided by num_splits`. Received: num_embeddings=512, embedding_dim=64",
    ),
    "a decay outside of its part": (
        lambda: VectorQuantization(4, decay=0.99),
        TypeError,
        "`decay` is `update=MovingAverage(0.99)`. Received: decay=0.99",
    ),
    "a decay in percent": (
        lambda: MovingAverage(99),
        ValueError,
        "`MovingAverage.decay` must be at least 0 and below 1. Received: MovingAverage.decay=99",
    ),
    "the beta of a VQ-VAE": (
        lambda: VectorQuantization(4, beta=0.25),
        TypeError,
        "the beta of a VQ-VAE is `losses=Commitment(0.25)`. Received: beta=0.25",
    ),
    "an argument of 2018": (
        lambda: VectorQuantization(4, lookup_ord=1),
        TypeError,
        "`lookup_ord` of VectorQuantization became a part: write `comparison=Norm(p=1.0)`. Received: lookup_ord=1",
    ),
    "an unknown update": (
        lambda: VectorQuantization(4, update="ema"),
        ValueError,
        "`update` must be a part of the kind Update, or one of the names 'gradient', 'moving-average'. "
        "Received: update='ema'",
    ),
    "a weight in the place of a loss": (
        lambda: VectorQuantization(4, losses=0.25),
        TypeError,
        "`losses` must be a part of the kind Loss, or one of the names 'alpha', 'beta', 'coulomb', 'codebook', "
        "'commitment'. Received: losses=0.25",
    ),
    "two that move the embeddings": (
        lambda: VectorQuantization(4, losses="codebook", update="moving-average"),
        ValueError,
        "`losses`: Codebook needs an update by Gradient, which applies that of the loss. "
        "Received: losses=(Codebook(weight=1.0),), update=MovingAverage(decay=0.99, epsilon=1e-05)",
    ),
    "a start by the name of its method": (
        lambda: VectorQuantization(4, start="k-means"),
        ValueError,
        "an array of the shape [n, d], or FromBatch('k-means'). Received: start='k-means'",
    ),
    "embeddings of another number": (
        lambda: VectorQuantization(4, start=np.zeros((3, 6))),
        ValueError,
        "the values of `start` must have the shape [n, d] = [4, d]. Received: (3, 6)",
    ),
    "codebooks as a number": (
        lambda: VectorQuantization(4, codebooks=2),
        ValueError,
        "`codebooks` must be 'shared' or 'per-split'. Received: codebooks=2",
    ),
    "a dtype of integers": (
        lambda: VectorQuantization(4, dtype="int32"),
        ValueError,
        "`dtype` must be floating, or a policy that computes so. Received: dtype='int32'",
    ),
    "levels as one number": (
        lambda: FiniteScalarQuantization(8),
        TypeError,
        "`levels` must be a list or tuple of integers. Received: levels=8",
    ),
    "a level of 1": (
        lambda: FiniteScalarQuantization([8, 1]),
        ValueError,
        "`levels` must be from 2 to 2^16 each. Received: levels=[8, 1]",
    ),
    "stages by the name of others": (
        lambda: ResidualVectorQuantization(4, num_quantizers=3),
        TypeError,
        "`num_quantizers` is `num_stages=3, of ResidualVectorQuantization`. Received: num_quantizers=3",
    ),
    "one layer in the place of its number": (
        lambda: ResidualVectorQuantization(layer_of(name="vq"), 3),
        TypeError,
        "`n_or_layers` must be an integer or a list of layers. Received: <VectorQuantization name=vq, built=False>",
    ),
    "too few labels": (
        lambda: vote([0, 1, 1]),
        ValueError,
        "`emb_labels` must have the shape [n] = [4]. Received: emb_labels.shape=(3,)",
    ),
    "labels as one-hot vectors": (
        lambda: vote(np.eye(4, dtype=int)),
        ValueError,
        "`emb_labels` must have the shape [n]. Received: emb_labels.shape=(4, 4)",
    ),
    "labels from 1 on": (
        lambda: vote([1, 2, 1, 2]),
        ValueError,
        "`emb_labels` must lie in [0, num_classes) = [0, 2). Received: labels from 1 to 2",
    ),
    "a threshold in percent": (
        lambda: vote(majority_threshold=50),
        UserWarning,
        "`majority_threshold` is a share of the votes, at most 1: above, every vector stays as it is. "
        "Received: majority_threshold=50.0",
    ),
    "a mode that there is not": (
        lambda: vq_layer.set_compilation("xla"),
        ValueError,
        "`mode` must be one of ('auto', 'plain', 'compiled', 'fused'). Received: mode='xla'",
    ),
}
CALLS = {
    "a single vector": (
        lambda: layer_of()(X[0, 0]),
        ValueError,
        "`x` must have the shape [batch, ..., q], of a known rank of at least 2. Received: x.shape=(6,)",
    ),
    "channels first": (
        lambda: layer_of(num_splits=8)(IMAGE),
        ValueError,
        "`num_splits` must divide the last axis of `x`, which must not be empty. "
        "Received: num_splits=8, x.shape=(2, 8, 4, 4)",
    ),
    "bytes of an image": (
        lambda: layer_of()(IMAGE.astype(np.uint8)),
        TypeError,
        "`x` must have a floating dtype. Received: x.dtype=uint8",
    ),
    "rows of two lengths": (
        lambda: layer_of().encode([[1.0, 2.0], [3.0]]),
        TypeError,
        "`x` must be a tensor, an array, or a list of numbers in rows of one length. Received: [[1.0, 2.0], [3.0]]",
    ),
    "two symbols": (
        lambda: layer_of()([keras.Input((6,)), keras.Input((6,))]),
        TypeError,
        "`x` must be a tensor, an array, or a list of numbers in rows of one length. Received: [<KerasTensor",
    ),
    "a last axis that no one knows": (
        lambda: layer_of()(keras.Input((None,))),
        ValueError,
        "the last axis of `x` must be static. Received: x.shape=(None, None)",
    ),
    "vectors of another size": (
        lambda: built().encode(keras.Input((7,))),
        ValueError,
        "the last axis of `x` must be 6, as the layer was built for. Received: x.shape=(None, 7)",
    ),
    "levels for vectors of another size": (
        lambda: FiniteScalarQuantization([8, 5, 5, 5])(X),
        ValueError,
        "`levels` must hold one for each of the q / num_splits coordinates of a vector. "
        "Received: levels=[8, 5, 5, 5], num_splits=1, x.shape=(5, 3, 6)",
    ),
    "a mask in the place of training": (
        lambda: layer_of()(X, np.ones(5, bool)),
        TypeError,
        "`training` must be a bool or None. Received: training=array([ True,  True,  True,  True,  True])",
    ),
    "a mask of coordinates": (
        lambda: layer_of()(X, mask=np.ones(X.shape, bool)),
        ValueError,
        "`mask` must have the shape of `x` without its last axis, (5, 3), or of a leading part of that. "
        "Received: mask.shape=(5, 3, 6)",
    ),
    "a mask of weights": (
        lambda: layer_of()(X, mask=np.ones((5, 3))),
        TypeError,
        "`mask` must be of the dtype bool. Received: mask.dtype=float64",
    ),
    "fewer vectors than embeddings": (
        lambda: fit(VectorQuantization(16, start=FromBatch("first"))),
        INVALID,
        "`x` must hold at least n=16 vectors to initialize the embedding space from. Received, so many:",
    ),
    "a NaN to start from": (
        lambda: layer_of().initialize_from_batch(WITH_NAN),
        INVALID,
        "the first n=4 vectors of `x` must be finite to initialize the embedding space from. Received:",
    ),
    "an inference before the first batch": (
        lambda: VectorQuantization(4, name="vq")(X),
        UserWarning,
        "all embeddings of the layer 'vq' are zero: with `start=FromBatch(method='k-means', iterations=10, seed=0)` "
        "they come from the first training batch",
    ),
    "labels that came to be out of range": (
        relabelled,
        INVALID,
        "`emb_labels` must lie in [0, num_classes) = [0, 2). Received, at least and at most: 1 2",
    ),
    "the function of a graph": (
        lambda: vq_layer.vector_quantization(X, 4),
        RuntimeError,
        "Eagerly, in a Keras model or inside a `tf.function`, use the Keras layer `vq_layer.VectorQuantization`.",
    ),
    "the function of a graph in a `tf.function`": (
        lambda: compiled(lambda x: vq_layer.vector_quantization(x, 4), X),
        RuntimeError,
        "Eagerly, in a Keras model or inside a `tf.function`, use the Keras layer `vq_layer.VectorQuantization`.",
    ),
}
METHODS = {
    "codes that were computed with": (
        lambda: built().decode(np.zeros((2, 1))),
        TypeError,
        "`emb_index` must have an integer dtype. Received: emb_index.dtype=float64",
    ),
    "an input of codes without their dtype": (
        lambda: built().decode(keras.Input((3, 1))),
        TypeError,
        "`emb_index` must have an integer dtype. Received: emb_index.dtype=float32",
    ),
    "codes from 1 on": (
        lambda: built().decode([[1], [4]]),
        INVALID,
        "`emb_index` must lie in [0, n) = [0, 4), or be -1. Received, at least and at most: 1 4",
    ),
    "codes without the axis of splits": (
        lambda: built().decode([0, 1, 2]),
        ValueError,
        "the last axis of `emb_index` must be num_splits=1. Received: shape (3,)",
    ),
    "codes of more stages than there are": (
        lambda: ResidualVectorQuantization(4, 2).encode(X, 3),
        ValueError,
        "`num_stages` must be at most 2. Received: num_stages=3",
    ),
    "codes before there are embeddings": (
        lambda: layer_of().decode([[1]]),
        ValueError,
        "`decode` needs a layer that is built: call it, `encode`, `initialize_from_batch` or `build` first. "
        "Received: built=False",
    ),
    "a start from a generator": (
        lambda: layer_of().initialize_from(batch for batch in [X]),
        TypeError,
        "`data` must be an array, or batches that can be iterated over again, as a list or a `tf.data.Dataset`. "
        "Received: generator",
    ),
    "a start from data without end": (
        lambda: layer_of().initialize_from(tf.data.Dataset.from_tensors(X).repeat()),
        ValueError,
        "`data` must come to an end. Received: a `tf.data.Dataset` that repeats for ever",
    ),
    "a start from a symbol": (
        lambda: layer_of().initialize_from_batch(keras.Input((6,))),
        ValueError,
        "`x` must hold values. Received: <KerasTensor",
    ),
    "a replacement by hand of none": (
        lambda: built(replacement=None).replace_embeds(),
        ValueError,
        "`replacement` must be given to replace. Received: replacement=None",
    ),
    "the callback without a replacement": (
        lambda: fit(layer_of(replacement=None), callbacks=[ReplaceEmbeddings(5)]),
        ValueError,
        "`ReplaceEmbeddings` needs a `VectorQuantization` whose `replacement` is given. "
        "Received: the model 'model', which has none",
    ),
}


@pytest.mark.parametrize(
    ("do", "error", "message"),
    [pytest.param(*it, id=name) for name, it in {**CONSTRUCTION, **CALLS, **METHODS}.items()],
)
def test_a_mistake_is_an_error_that_names_the_argument_its_rule_and_the_value(do, error, message):
    with pytest.raises(error, match=re.escape(message)):
        do()


def test_a_file_of_a_model_without_the_package_is_an_error_unless_keras_finds_it():
    said = ""
    try:
        loaded = loaded_elsewhere()
    except TypeError as error:
        loaded, said = None, str(error)
    # Keras 3.8 imports the package by itself.
    assert isinstance(loaded, VectorQuantization) or "Could not locate class 'VectorQuantization'" in said
