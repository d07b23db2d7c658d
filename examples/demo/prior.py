"""A prior: how likely the codes of an image are, one after the other, given what it shows."""

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from examples.demo.learning import fitted, seeded

UNITS, EMBEDDING = 128, 32
EPOCHS, BATCH_SIZE, LEARNING_RATE = 12, 64, 5e-3  # more epochs learn the images by heart
TEMPERATURE = 0.7  # below 1, likelier codes are drawn still more often


def learn_prior(codes: NDArray[np.int64], labels: NDArray[np.int64], n: int, seed: int) -> keras.Model:
    """Learn to predict each of the codes from the label and the codes before.

    Parameters
    ----------
    codes : numpy.ndarray, shape [m, length], int64
        Below n.
    labels : numpy.ndarray, shape [m], int64
    n : int
        The number of codes.
    seed : int

    Returns
    -------
    keras.Model
        From labels, ``[m]``, and the codes before, ``[m, length]``, to the logits of all codes, ``[m, length, n]``.
    """
    seeded(seed)
    model = _network(length=codes.shape[1], num_labels=int(labels.max()) + 1, n=n)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
    fitted("prior", model, [labels, before(codes, n)], codes, epochs=EPOCHS, batch_size=BATCH_SIZE)
    return model


def before(codes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the code before each code, n before the first: ``[m, length] -> [m, length]``.

    Examples
    --------
    >>> before(np.array([[3, 1, 2]]), n=9)
    array([[9, 3, 1]])
    """
    return np.insert(codes[:, :-1], 0, n, axis=1)


def bits(prior: keras.Model, codes: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Return what an ideal entropy coder that goes by the prior needs for an image, in the mean over images."""
    n = prior.output_shape[-1]
    loss = prior.evaluate([labels, before(codes, n)], codes, verbose=0)  # nats for a code
    return codes.shape[1] * float(loss) / np.log(2)


def sample(prior: keras.Model, labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Draw the codes of an image for each label, one after the other: ``[m] -> [m, length]``.

    Each is drawn in proportion to its probability to the power of ``1 / TEMPERATURE``.
    """
    rng = np.random.default_rng(seed)
    _, length, n = prior.output_shape
    codes = np.zeros([len(labels), length], np.int64)
    for i in range(length):
        logits = np.asarray(prior.predict_on_batch([labels, before(codes, n)]))[:, i]
        # The largest of logits with Gumbel noise is a draw from their softmax.
        codes[:, i] = np.argmax(logits / TEMPERATURE + rng.gumbel(size=logits.shape), axis=-1)
    return codes


def _network(length: int, num_labels: int, n: int) -> keras.Model:
    label, codes_before = keras.Input((), dtype="int32"), keras.Input((length,), dtype="int32")
    known = layers.Dropout(0.1)(layers.Embedding(n + 1, EMBEDDING)(codes_before))
    start = layers.Embedding(num_labels, UNITS)(label)
    hidden = layers.GRU(UNITS, return_sequences=True)(known, initial_state=start)
    return keras.Model([label, codes_before], layers.Dense(n)(hidden))
