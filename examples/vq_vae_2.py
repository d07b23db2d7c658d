"""Codes on two levels, as in VQ-VAE-2
===================================

After this example you can put two layers of codes into one model, and measure what each of them is worth.

A coarse grid codes the whole, and a fine one what that leaves open: a handwritten digit of 8 × 8 pixels becomes 2 × 2
codes at the top and, given these, 4 × 4 codes at the bottom; the decoder sees both. For digits that were held out it
prints what each level uses of its codebook, and what it is worth: the error when the codes of that level come from
another digit. A level that nobody reads could be exchanged without any harm, as happens when the bottom alone tells
all. A picture shows such exchanges::

    python -m examples.vq_vae_2

Razavi, van den Oord, Vinyals, "Generating Diverse High-Fidelity Images with VQ-VAE-2", 2019, section 3.1.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from examples.pictures import rows_of_digits, save
from vq_layer import VectorQuantization

NUM_TOP, NUM_BOTTOM = 32, 64  # codes of each level
CHANNELS, FILTERS = 16, 32
SHOWN = 14  # digits in a row of the picture


class Model(NamedTuple):
    """The parts of the autoencoder.

    Attributes
    ----------
    encoder : keras.Model
        ``[m, 8, 8, 1]`` to the two quantized levels, ``[m, 2, 2, 16]`` and ``[m, 4, 4, 16]``.
    decoder : keras.Model
        From these to ``[m, 8, 8, 1]``.
    top, bottom : VectorQuantization
        Layers of the encoder.
    """

    encoder: keras.Model
    decoder: keras.Model
    top: VectorQuantization
    bottom: VectorQuantization


class Level(NamedTuple):
    """What a level is worth on digits held out.

    Attributes
    ----------
    perplexity : float
        Of its codes: so many that are equally frequent would be as varied.
    in_use : int
        How many of its codes occur.
    error_exchanged : float
        The mean squared error when the codes of this level come from another digit.
    """

    perplexity: float
    in_use: int
    error_exchanged: float


def build() -> Model:
    """Put the model together."""
    top, bottom = VectorQuantization(NUM_TOP, name="top"), VectorQuantization(NUM_BOTTOM, name="bottom")
    image = keras.Input((8, 8, 1))
    fine = down(image)  # [m, 4, 4, 32]
    of_top = top(layers.Conv2D(CHANNELS, 1)(down(fine)))
    of_bottom = bottom(layers.Conv2D(CHANNELS, 1)(layers.Concatenate()([fine, up(of_top)])))
    encoder = keras.Model(image, [of_top, of_bottom])

    coarse, detail = keras.Input((2, 2, CHANNELS)), keras.Input((4, 4, CHANNELS))
    both = layers.Concatenate()([up(coarse), detail])
    decoder = keras.Model([coarse, detail], layers.Conv2D(1, 3, padding="same")(up(both)))
    return Model(encoder, decoder, top, bottom)


def down(x: keras.KerasTensor) -> keras.KerasTensor:
    """Halve the sides of a grid."""
    return layers.Conv2D(FILTERS, 4, strides=2, padding="same", activation="relu")(x)


def up(x: keras.KerasTensor) -> keras.KerasTensor:
    """Double the sides of a grid."""
    return layers.Conv2DTranspose(FILTERS, 4, strides=2, padding="same", activation="relu")(x)


def learn(images: NDArray[np.float32], epochs: int) -> Model:
    """Train all of it on images, ``[m, 8, 8, 1]``: both codebooks learn in the same steps, each by its own layer."""
    model = build()
    whole = keras.Sequential([keras.Input((8, 8, 1)), model.encoder, model.decoder])
    whole.compile(keras.optimizers.Adam(2e-3), "mse")
    whole.fit(images, images, epochs=epochs, batch_size=64, verbose=0)
    return model


def measured(model: Model, images: NDArray[np.float32], rng: np.random.Generator) -> tuple[float, dict[str, Level]]:
    """Return the mean squared error of images, and what each level is worth."""
    levels = [np.asarray(level) for level in model.encoder(images)]

    def error(*levels: NDArray[np.float32]) -> float:
        return float(np.mean(np.square(model.decoder(list(levels)) - images)))

    other = rng.permutation(len(images))
    exchanged = {"top": error(levels[0][other], levels[1]), "bottom": error(levels[0], levels[1][other])}
    worth = {}
    for quantizer, level in zip((model.top, model.bottom), levels, strict=True):
        # What comes out is a row of the codebook, so that its code is found again.
        count = np.bincount(quantizer.encode(level).numpy().ravel(), minlength=quantizer.n)
        share = count[count > 0] / count.sum()
        perplexity = float(np.exp(-np.sum(share * np.log(share))))
        worth[quantizer.name] = Level(perplexity, len(share), exchanged[quantizer.name])
    return error(*levels), worth


def drawn(model: Model, images: NDArray[np.float32]) -> Figure:
    """Draw images, what their codes give back, and that with the codes of one level from the image to the right."""
    top, bottom = (np.asarray(level) for level in model.encoder(images))
    return rows_of_digits(
        {
            "held out": images,
            "given back": model.decoder([top, bottom]),
            "top of the next": model.decoder([np.roll(top, -1, axis=0), bottom]),
            "bottom of the next": model.decoder([top, np.roll(bottom, -1, axis=0)]),
        }
    )


def main(arguments: Sequence[str] | None = None) -> tuple[float, dict[str, Level]]:
    """Train, print and draw what each level does for digits held out, and return that after the error of both."""
    parser = argparse.ArgumentParser(description="Codes of digits on two levels.")
    parser.add_argument("--small", action="store_true", help="fewer epochs, for a try")
    parser.add_argument("--picture", type=Path, default=Path("out/vq_vae_2.png"), help="where it is written")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    images = (load_digits().images[..., np.newaxis] / 16).astype(np.float32)
    images, held_out = train_test_split(images, test_size=0.2, random_state=0)
    model = learn(images, epochs=8 if options.small else 60)
    error, worth = measured(model, held_out, np.random.default_rng(0))
    of_mean = np.mean(np.square(images.mean(axis=0) - held_out))
    print(f"mean squared error {error:.4f}; of the mean digit {of_mean:.4f}")
    print("level   codes      in use  perplexity  error with this level of another digit")
    for name, sides, n in (("top", "2 × 2", NUM_TOP), ("bottom", "4 × 4", NUM_BOTTOM)):
        it = worth[name]
        print(f"{name:6}  {sides}  {it.in_use:3} of {n:2}  {it.perplexity:10.1f}  {it.error_exchanged:.4f}")
    save(drawn(model, held_out[:SHOWN]), options.picture)
    return error, worth


if __name__ == "__main__":
    main()
