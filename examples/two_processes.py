"""One training in two processes
=============================

After this example you can train in several processes, as on several machines, and go on when one has died.

It starts two workers on this machine, which train a VQ-VAE of handwritten digits together under
`tf.distribute.MultiWorkerMirroredStrategy`, each on its half of every batch, and save after each epoch. When one dies,
the other cannot go on; both are started again from what both saved. It prints that the workers' codebooks are
identical, and, with ``--kill``, that they are those of an undisturbed training after one was killed in the midst of it.
The loop is written out, since `fit` of Keras 3 fails here: ``--fit`` shows that. Since it starts processes, this page
shows it without running it::

    python -m examples.two_processes --kill
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from examples.two_devices import model_of_digits

WORKERS, BATCH = 2, 64  # the batch of both together


def start(folder: Path, options: Sequence[str]) -> list[subprocess.Popen[str]]:
    """Start a process for each worker, which find one another by the variable TF_CONFIG."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(WORKERS)]
    cluster = {"worker": [f"localhost:{it.getsockname()[1]}" for it in sockets]}
    for it in sockets:
        it.close()  # the worker takes the port over
    workers = []
    for index in range(WORKERS):
        task = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        command = [sys.executable, "-m", "examples.two_processes", "--folder", str(folder), *options]
        environment = {**os.environ, "TF_CONFIG": task, "TF_CPP_MIN_LOG_LEVEL": "3"}
        output = (folder / f"worker_{index}.txt").open("a")
        workers.append(subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True))
    return workers


def supervise(folder: Path, options: Sequence[str], kill_after: int | None = None) -> list[str]:
    """Run the workers until all have ended well, start all again when one dies, and return their last lines."""
    while True:
        workers = start(folder, options)
        while any(worker.poll() is None for worker in workers) and not any(worker.poll() for worker in workers):
            if kill_after is not None and (folder / f"epoch_{kill_after}").exists():
                workers[1].kill()
                kill_after = None
            time.sleep(0.05)
        ended = [worker.poll() for worker in workers]
        if not any(ended):
            return [(folder / f"worker_{i}.txt").read_text().splitlines()[-1] for i in range(WORKERS)]
        for worker in workers:
            worker.kill()
            worker.wait()
        if kill_after is None and -9 not in ended:
            raise SystemExit((folder / "worker_0.txt").read_text())
        print("worker 1 was killed; both are started again, and go on from the last checkpoint")


def work(folder: Path, epochs: int, pause: float, by_fit: bool) -> None:
    """Train as one of the workers, and print a digest of what the codebook is."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else runs
    index = strategy.cluster_resolver.task_id
    digits = load_digits().images[:1408, ..., np.newaxis].astype(np.float32) / 16
    own = digits.reshape(-1, WORKERS, BATCH // WORKERS, 8, 8, 1)[:, index]  # its half of each batch
    with strategy.scope():
        model, codes = model_of_digits()
        model.optimizer.build(model.trainable_weights)
        done = tf.Variable(0, trainable=False)
    if by_fit:
        print(what_fit_says(model, digits))
        return

    def replica(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            error = tf.reduce_sum(tf.square(model(x, training=True) - x)) / (BATCH * 64)  # of 64 pixels
            loss = error + tf.add_n(model.losses) / WORKERS
        gradients = tape.gradient(loss, model.trainable_weights)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, error)

    step = tf.function(lambda x: strategy.run(replica, (x,)))
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer, done=done)
    saved = tf.train.CheckpointManager(checkpoint, folder / f"saved_by_{index}", max_to_keep=2)
    of_other = [Path(it.replace(f"by_{index}", f"by_{1 - index}") + ".index") for it in saved.checkpoints]
    by_both = [it for it, other in zip(saved.checkpoints, of_other, strict=True) if other.exists()]  # one may have died
    if by_both:
        checkpoint.restore(by_both[-1]).assert_consumed()
    for epoch in range(int(done.numpy()), epochs):
        for x in own:
            error = step(tf.constant(x))
            time.sleep(pause)
        done.assign(epoch + 1)
        saved.save(checkpoint_number=epoch + 1)
        print(f"epoch {epoch + 1}: error {float(error):.4f}", flush=True)
        (folder / f"epoch_{epoch + 1}").touch()
    print(hashlib.sha256(b"".join(value.numpy().tobytes() for value in codes.state.values())).hexdigest())


def what_fit_says(model: keras.Model, digits: np.ndarray) -> str:
    """Return whether `fit` works under the strategy, and its error if not."""
    try:
        model.fit(tf.data.Dataset.from_tensor_slices((digits, digits)).batch(BATCH), verbose=0)
    except ValueError as error:
        return f"`fit` of Keras {keras.__version__} fails under this strategy: {str(error).partition(':')[0]} ..."
    return f"`fit` of Keras {keras.__version__} works under this strategy"


def main(arguments: Sequence[str] | None = None) -> list[str]:
    """Start the workers, or be one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="train for three epochs")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--kill", action="store_true", help="kill a worker after the first epoch")
    parser.add_argument("--fit", action="store_true", help="show what `fit` says to this strategy")
    parser.add_argument("--pause", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    epochs = 3 if chosen.small else chosen.epochs
    if chosen.folder is not None:
        work(chosen.folder, epochs, chosen.pause, chosen.fit)
        return []
    options = ["--epochs", str(epochs), *(["--fit"] if chosen.fit else [])]
    with tempfile.TemporaryDirectory() as folder:
        last = supervise(Path(folder), options)
        told = (Path(folder) / "worker_0.txt").read_text().splitlines()
    print(told[-1 if chosen.fit else -2])
    if chosen.fit:
        return last
    print(f"the workers' codebooks are {'identical' if len(set(last)) == 1 else 'NOT identical'}")
    if chosen.kill:
        with tempfile.TemporaryDirectory() as folder:
            again = supervise(Path(folder), [*options, "--pause", "0.05"], kill_after=1)
        print(f"and {'the same' if again == last else 'NOT the same'} as without the interruption")
        last += again
    return last


if __name__ == "__main__":
    main()
