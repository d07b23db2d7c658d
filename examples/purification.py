"""Purification by labeled neighbors
=================================

After this example you can let labeled vectors vote on what a network is given, and say where that fails.

A small network reads handwritten digits. The fast gradient sign method adds to each pixel, in 0..1, eps times the sign
of the loss's gradient, and the network misreads them. `CosineKNNVectorQuantization` stands before it: where enough of
the k most similar labeled digits agree on a label, the most similar one of that label takes the place of the input;
where they do not, the input passes as it is. The table shows what the network makes of both, how many digits the vote
decides, and how many of these are then read rightly; the picture shows some::

    python -m examples.purification

Where it does not help: real digits, which the network reads as well without; and attacks of eps = 0.3, which turn most
neighbors, too, so that the vote decides nearly all and is mostly wrong. A high threshold makes what the vote decides
surer, but leaves the more of the attacked digits to the network, whose weakness they were made for. Where the vote
decides, the neighbors are the reader, and the network repeats them. Nor is it a defense against those who know of it:
this attack knows the network alone, and others turn the neighbors on purpose (Sitawarin and Wagner, 2019).

Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", 2015, section 4. Neighbors against
attacks: Papernot, McDaniel, "Deep k-Nearest Neighbors", 2018; Sitawarin, Wagner, "On the Robustness of Deep K-Nearest
Neighbors", 2019.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from examples.pictures import rows_of_digits, save
from vq_layer import CosineKNNVectorQuantization

K = 10
EPSILONS = 0.0, 0.05, 0.1, 0.2, 0.3
THRESHOLDS = 0.5, 0.7, 0.9
SHOWN = 14, 0.2, 0.5  # digits in a row of the picture, epsilon, threshold


class Digits(NamedTuple):
    """Pixels in 0..1, ``[m, 64]``, and labels, ``[m]``."""

    x: NDArray[np.float32]
    labels: NDArray[np.int64]


class Outcome(NamedTuple):
    """What one attack and one vote come to; shares of all digits held out, but for `decided`.

    Attributes
    ----------
    epsilon, threshold : float
    before, after : float
        How many the network reads rightly as they come, and purified.
    coverage : float
        How many the vote decides.
    decided : float
        How many of these the network then reads rightly; NaN where there is none.
    """

    epsilon: float
    threshold: float
    before: float
    after: float
    coverage: float
    decided: float


def load() -> tuple[Digits, Digits]:
    """Return four fifths of the digits to learn from, and those that are held out."""
    x, labels = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x, x_test, labels, labels_test = train_test_split(x, labels, test_size=0.2, random_state=0, stratify=labels)
    return Digits(x, labels), Digits(x_test, labels_test)


def learn(digits: Digits, epochs: int) -> keras.Model:
    """Train a network to read digits: ``[m, 64]`` to the logits of the labels, ``[m, 10]``."""
    layers = [keras.Input((64,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)]
    network = keras.Sequential(layers)
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(*digits, epochs=epochs, verbose=0)
    return network


def attacked(network: keras.Model, digits: Digits, epsilon: float) -> NDArray[np.float32]:
    """Move each pixel by epsilon to where the network's loss grows, and no further than 0..1: ``[m, 64]``."""
    x = tf.constant(digits.x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = keras.losses.sparse_categorical_crossentropy(digits.labels, network(x), from_logits=True)
    return tf.clip_by_value(x + epsilon * tf.sign(tape.gradient(loss, x)), 0, 1).numpy()


def vote(digits: Digits, threshold: float) -> CosineKNNVectorQuantization:
    """Let labeled digits vote: the layer puts out the most similar one of the winning label, or its input."""
    return CosineKNNVectorQuantization(
        digits.labels,
        num_classes=10,
        k=K,
        n=len(digits.x),
        start=digits.x,
        majority_threshold=threshold,
        representative="nearest",
        return_endpoints=True,
    )


def purify(network: keras.Model, layer: CosineKNNVectorQuantization, x: NDArray, held_out: Digits) -> tuple[float, ...]:
    """Return how many the network reads rightly after the vote, how many it decides, and how many of these are right.

    The vectors x are the digits held out, perhaps attacked.
    """
    endpoints = layer(x)
    decided = ~endpoints.identity_mapping_mask.numpy()[:, 0]
    right = read(network, endpoints.layer_out) == held_out.labels
    return float(right.mean()), float(decided.mean()), float(right[decided].mean()) if decided.any() else float("nan")


def read(network: keras.Model, x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return what the network reads, ``[m, 64] -> [m]``."""
    return np.argmax(network(x), axis=-1)


def drawn(network: keras.Model, layer: CosineKNNVectorQuantization, held_out: Digits) -> Figure:
    """Draw some digits held out, attacked, and purified."""
    number, epsilon, threshold = SHOWN
    some = Digits(held_out.x[:number], held_out.labels[:number])
    x = attacked(network, some, epsilon)
    figure = rows_of_digits({"as they were": some.x, "attacked": x, "purified": layer(x).layer_out})
    figure.suptitle(f"epsilon {epsilon}, threshold {threshold}")
    return figure


def main(arguments: Sequence[str] | None = None) -> list[Outcome]:
    """Train, attack, purify; print the table, draw some digits, and return the rows of the table."""
    parser = argparse.ArgumentParser(description="k-NN purification against the fast gradient sign method.")
    parser.add_argument("--small", action="store_true", help="fewer attacks and epochs, for a try")
    parser.add_argument("--picture", type=Path, default=Path("out/purification.png"), help="where it is written")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    digits, held_out = load()
    network = learn(digits, epochs=20 if options.small else 40)
    layers = {threshold: vote(digits, threshold) for threshold in THRESHOLDS}
    outcomes = []
    print("epsilon  threshold  read before  purified  decided by the vote  read of these")
    for epsilon in (0.0, 0.2) if options.small else EPSILONS:
        x = attacked(network, held_out, epsilon)
        before = float(np.mean(read(network, x) == held_out.labels))
        for threshold, layer in layers.items():
            it = Outcome(epsilon, threshold, before, *purify(network, layer, x, held_out))
            print(f"{it[0]:7.2f}  {it[1]:9.1f}  {it[2]:11.1%}  {it[3]:8.1%}  {it[4]:19.1%}  {it[5]:13.1%}")
            outcomes.append(it)
    save(drawn(network, layers[SHOWN[-1]], held_out), options.picture)
    return outcomes


if __name__ == "__main__":
    main()
