"""A training loop of TensorFlow 1
===============================

After this example you can train a quantizer in a graph and a session, save it in the midst, and go on from there.

An autoencoder of handwritten digits codes each by 4 of 32 embeddings. `vector_quantization` puts its losses into the
collection ``LOSSES``, where ``tf.compat.v1.losses`` puts those of others, too, so that ``get_total_loss`` finds all of
them. Every 25 steps the most distant inputs replace the least used embeddings. After half of the steps the saver writes
a checkpoint; another graph in another session restores it, and goes on as if nothing had happened: what the replacement
has gathered is restored with the rest. It prints how far it is at each point, and draws the error of each batch::

    python -m examples.graph_loop

The losses are those of 2018, and the commitment loss of van den Oord, Vinyals, Kavukcuoglu, "Neural Discrete
Representation Learning", 2017, which keeps the encoder near the embeddings.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from examples.pictures import BLUE, ORANGE, plot, save
from vq_layer import Commitment, vector_quantization

v1 = tf.compat.v1

PIXELS, NUM_CODES, NUM_EMBEDDINGS, HIDDEN = 64, 4, 32, 64
BATCH, EVERY = 64, 25


class Network(NamedTuple):
    """What a session runs: tensors and operations of a graph.

    Attributes
    ----------
    x, is_training : tf.Tensor
        What is fed: digits, ``[batch, 64]``, and whether the pass trains.
    train, replace_embeds : tf.Operation
    error, access_count : tf.Tensor
        The mean squared error of what comes out, and how often each embedding was chosen, ``[32]``.
    saver : tf.compat.v1.train.Saver
    """

    x: tf.Tensor
    is_training: tf.Tensor
    train: Any
    replace_embeds: Any
    error: tf.Tensor
    access_count: tf.Tensor
    saver: Any


class Progress(NamedTuple):
    """The error of all digits, how many embeddings they use, and all variables by name, at some step."""

    error: float
    used: int
    variables: dict[str, NDArray]


def dense(x: tf.Tensor, units: int, name: str) -> tf.Tensor:
    """Multiply by a matrix, ``[batch, size] -> [batch, units]``."""
    matrix = v1.get_variable(name, [x.shape[1], units], initializer=v1.glorot_uniform_initializer(seed=0))
    return x @ matrix


def build() -> Network:
    """Build the autoencoder into the default graph."""
    x, is_training = v1.placeholder(tf.float32, [None, PIXELS]), v1.placeholder_with_default(False, [])
    hidden = dense(tf.nn.relu(dense(x, HIDDEN, "in")), HIDDEN, "encode")
    codes = vector_quantization(
        tf.reshape(hidden, [-1, NUM_CODES, HIDDEN // NUM_CODES]),
        NUM_EMBEDDINGS,
        embedding_initializer=v1.random_normal_initializer(seed=0),
        num_embeds_replaced=4,
        is_training=is_training,
        return_endpoints=True,
        losses=Commitment(0.25),
    )
    decoded = tf.nn.relu(dense(tf.reshape(codes.layer_out, [-1, HIDDEN]), HIDDEN, "decode"))
    error = v1.losses.mean_squared_error(x, dense(decoded, PIXELS, "out"))  # joins the collection
    train = v1.train.AdamOptimizer(3e-3).minimize(v1.losses.get_total_loss())
    return Network(x, is_training, train, codes.replace_embeds, error, codes.access_count, v1.train.Saver())


def train(session: Any, network: Network, digits: NDArray[np.float32], steps: range) -> list[float]:
    """Make steps, each on digits drawn for it, and replace embeddings between them; return the error of each step."""
    errors = []
    for step in steps:
        batch = digits[np.random.default_rng(step).integers(len(digits), size=BATCH)]
        _, error = session.run([network.train, network.error], {network.x: batch, network.is_training: True})
        errors.append(float(error))
        if (step + 1) % EVERY == 0:
            session.run(network.replace_embeds)  # by itself: together with a pass, the two come in any order
    return errors


def progress(session: Any, network: Network, digits: NDArray[np.float32]) -> Progress:
    """Look at all digits, in a pass that does not train."""
    error, count = session.run([network.error, network.access_count], {network.x: digits})
    values = session.run({variable.name: variable for variable in v1.global_variables()})
    return Progress(float(error), int(np.count_nonzero(count)), values)


def drawn(errors: list[float], restored_at: int) -> Figure:
    """Draw the error of each step, and where another session took over."""
    figure, axes = plot("step", "mean squared error of its batch")
    axes.semilogy(errors, color=BLUE, linewidth=0.8)
    axes.axvline(restored_at, color=ORANGE, linestyle="--", label="restored in another graph and session")
    axes.legend(frameon=False, loc="lower left")
    return figure


def main(arguments: Sequence[str] | None = None) -> dict[str, Progress]:
    """Train, save, restore, go on; print how far it is at each point, draw the errors, and return the first."""
    parser = argparse.ArgumentParser(description="Vector quantization in a loop of TensorFlow 1.")
    parser.add_argument("--small", action="store_true", help="fewer steps, for a try")
    parser.add_argument("--picture", type=Path, default=Path("out/graph_loop.png"), help="where it is written")
    options = parser.parse_args(arguments)
    half = 110 if options.small else 1010  # so that a replacement is under way
    digits = (load_digits().data / 16).astype(np.float32)
    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = str(Path(folder) / "model")
        with tf.Graph().as_default(), v1.Session() as session:
            network = build()
            session.run(v1.global_variables_initializer())
            seen["at the start"] = progress(session, network, digits)
            errors = train(session, network, digits, range(half))
            seen["saved"] = progress(session, network, digits)
            network.saver.save(session, checkpoint)
        with tf.Graph().as_default(), v1.Session() as session:
            network = build()
            network.saver.restore(session, checkpoint)
            seen["restored"] = progress(session, network, digits)
            errors += train(session, network, digits, range(half, 2 * half))
            seen["at the end"] = progress(session, network, digits)
    print(f"after            error  embeddings in use, of {NUM_EMBEDDINGS}")
    for name, it in seen.items():
        print(f"{name:12}  {it.error:8.5f}  {it.used:17}")
    save(drawn(errors, half), options.picture)
    return seen


if __name__ == "__main__":
    main()
