"""A VQ-VAE, and a prior over its codes
====================================

After this example you can train a VQ-VAE by `fit`, and a prior over its codes that draws new images.

First `fit` trains an encoder, a codebook and a decoder: a handwritten digit of 8 × 8 pixels becomes 4 × 4 of 64 codes.
Then a recurrent network learns how likely each code is, given the digit's label and the codes before it in reading
order. Drawn from it one by one, codes decode to digits that nobody wrote. It prints the error of digits held out, how
many bits their codes take with and without the prior, and for how many of the new digits a classifier of real ones, the
nearest neighbors, reads the label that was asked for. A picture shows digits, reconstructions and new ones::

    python -m examples.vq_vae

van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017; its prior is a PixelCNN.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from examples.pictures import rows_of_digits, save
from vq_layer import VectorQuantization

NUM_CODES, GRID, CHANNELS = 64, 4, 16  # codes in all; the side of a digit's grid of codes; the size of a code
LENGTH = GRID**2
TEMPERATURE = 0.7  # below 1, likelier codes are drawn still more often
SHOWN = 15  # digits in a row of the picture


class Outcome(NamedTuple):
    """What comes of digits held out and of new ones.

    Attributes
    ----------
    error, error_of_mean : float
        The mean squared error of reconstructions, and of the mean digit in their place.
    bits, bits_of_prior : float
        What the codes of a digit take: each alike, and with an ideal entropy coder that goes by the prior.
    read_as_meant : float
        The share of new digits that are read as the label asked for.
    """

    error: float
    error_of_mean: float
    bits: float
    bits_of_prior: float
    read_as_meant: float


def autoencoder() -> tuple[keras.Model, VectorQuantization, keras.Model]:
    """Return the encoder, ``[m, 8, 8, 1] -> [m, 4, 4, 16]``, the codes, and the decoder back."""
    conv = {"padding": "same", "activation": "relu"}
    encoder = [keras.Input((8, 8, 1)), layers.Conv2D(32, 3, **conv), layers.Conv2D(32, 4, strides=2, **conv)]
    encoder.append(layers.Conv2D(CHANNELS, 1))
    decoder = [keras.Input((GRID, GRID, CHANNELS)), layers.Conv2D(32, 3, **conv)]
    decoder += [layers.Conv2DTranspose(32, 4, strides=2, **conv), layers.Conv2D(1, 3, padding="same")]
    return keras.Sequential(encoder), VectorQuantization(NUM_CODES), keras.Sequential(decoder)


def prior() -> keras.Model:
    """Return a network from labels, ``[m]``, and the codes before, ``[m, 16]``, to logits, ``[m, 16, 64]``."""
    label, before = keras.Input((), dtype="int32"), keras.Input((LENGTH,), dtype="int32")
    known = layers.Dropout(0.1)(layers.Embedding(NUM_CODES + 1, 32)(before))
    hidden = layers.GRU(128, return_sequences=True)(known, initial_state=layers.Embedding(10, 128)(label))
    return keras.Model([label, before], layers.Dense(NUM_CODES)(hidden))


def codes_before(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the code before each code, and before the first a number that is none: ``[m, 16] -> [m, 16]``."""
    return np.insert(codes[:, :-1], 0, NUM_CODES, axis=1)


def drawn(model: keras.Model, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the codes of a digit for each label from the prior, one after the other: ``[m] -> [m, 16]``."""
    codes = np.zeros([len(labels), LENGTH], np.int64)
    for i in range(LENGTH):
        logits = model.predict_on_batch([labels, codes_before(codes)])[:, i]
        # The largest of logits with Gumbel noise is a draw from their softmax.
        codes[:, i] = np.argmax(logits / TEMPERATURE + rng.gumbel(size=logits.shape), axis=-1)
    return codes


def main(arguments: Sequence[str] | None = None) -> Outcome:
    """Train both, draw, write the picture; print what comes of it, and return that."""
    parser = argparse.ArgumentParser(description="A VQ-VAE of digits with a prior over its codes.")
    parser.add_argument("--small", action="store_true", help="fewer epochs, for a try")
    parser.add_argument("--picture", type=Path, default=Path("out/vq_vae_example.png"), help="where it is written")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images, labels = (digits.images[..., np.newaxis] / 16).astype(np.float32), digits.target
    images, held_out, labels, labels_out = train_test_split(images, labels, test_size=0.2, random_state=0)

    encoder, quantizer, decoder = autoencoder()
    model = keras.Sequential([encoder, quantizer, decoder])
    model.compile(keras.optimizers.Adam(2e-3), "mse")
    model.fit(images, images, epochs=5 if options.small else 20, batch_size=64, verbose=0)
    codes, codes_out = (quantizer.encode(encoder(it)).numpy().reshape(-1, LENGTH) for it in (images, held_out))

    # More epochs learn the digits by heart.
    recurrent = prior()
    recurrent.compile(keras.optimizers.Adam(5e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    recurrent.fit([labels, codes_before(codes)], codes, epochs=5 if options.small else 12, batch_size=64, verbose=0)
    nats = recurrent.evaluate([labels_out, codes_before(codes_out)], codes_out, verbose=0)  # for a code

    meant = np.tile(np.arange(10), 20)
    new_codes = drawn(recurrent, meant, np.random.default_rng(0)).reshape(-1, GRID, GRID, 1)
    new, again = decoder(quantizer.decode(new_codes)).numpy(), model.predict(held_out, verbose=0)
    classifier = KNeighborsClassifier(5).fit(images.reshape(-1, 64), labels)
    it = Outcome(
        error=float(np.mean(np.square(again - held_out))),
        error_of_mean=float(np.mean(np.square(images.mean(axis=0) - held_out))),
        bits=LENGTH * float(np.log2(NUM_CODES)),
        bits_of_prior=LENGTH * float(nats / np.log(2)),
        read_as_meant=float(classifier.score(new.reshape(-1, 64), meant)),
    )
    rows = {"held out": held_out[:SHOWN], "given back": again[:SHOWN], "new": new[:SHOWN]}
    save(rows_of_digits(rows), options.picture)
    print(f"mean squared error of digits held out: {it.error:.4f}; of the mean digit: {it.error_of_mean:.4f}")
    print(f"bits of a digit's codes: {it.bits:.1f}; by the prior: {it.bits_of_prior:.1f}")
    print(f"new digits that are read as meant: {it.read_as_meant:.0%}; {options.picture} shows some")
    return it


if __name__ == "__main__":
    main()
