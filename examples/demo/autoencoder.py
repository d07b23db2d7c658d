"""A VQ-VAE of digits: an encoder and a decoder, with codes between them."""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from examples.demo.learning import fitted, seeded
from vq_layer import VectorQuantization

NUM_CODES = 64
SIDE, GRID, CHANNELS = 8, 4, 16  # of an image; of its grid of codes; of a code
EPOCHS, BATCH_SIZE, LEARNING_RATE = 20, 64, 2e-3


class Autoencoder(NamedTuple):
    """The parts of a VQ-VAE.

    Attributes
    ----------
    encoder : keras.Model
        ``[m, 8, 8, 1] -> [m, 4, 4, 16]``.
    codes : VectorQuantization
    decoder : keras.Model
        ``[m, 4, 4, 16] -> [m, 8, 8, 1]``.

    References
    ----------
    van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete Representation Learning", 2017.
    """

    encoder: keras.Model
    codes: VectorQuantization
    decoder: keras.Model

    def encode(self, images: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the codes of images in reading order: ``[m, 8, 8, 1] -> [m, 16]``."""
        return self.codes.encode(self.encoder(images)).numpy().reshape(len(images), GRID**2)

    def decode(self, codes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the images that codes stand for: ``[m, 16] -> [m, 8, 8, 1]``."""
        return self.decoder(self.codes.decode(codes.reshape(-1, GRID, GRID, 1))).numpy()


def learn_autoencoder(images: NDArray[np.float32], seed: int) -> Autoencoder:
    """Learn a VQ-VAE of images, ``[m, 8, 8, 1]`` with values in 0..1, from the squared error of what comes out."""
    seeded(seed)
    autoencoder = Autoencoder(_encoder(), VectorQuantization(NUM_CODES), _decoder())
    model = keras.Sequential(autoencoder)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "mse")
    fitted("VQ-VAE", model, images, images, epochs=EPOCHS, batch_size=BATCH_SIZE)
    return autoencoder


def _encoder() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 4, strides=SIDE // GRID, padding="same", activation="relu"),
            layers.Conv2D(CHANNELS, 1),
        ]
    )


def _decoder() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((GRID, GRID, CHANNELS)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2DTranspose(32, 4, strides=SIDE // GRID, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same"),
        ]
    )
