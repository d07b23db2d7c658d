"""What a monitor writes for TensorBoard: scalars, histograms, and codebooks for its projector."""

import io
from typing import Any

import numpy as np
import tensorflow as tf

from vq_layer.layers.monitor.look import Array, Codebook, Look, in_even_shares

RUN = "codebooks"  # the folder, beside `train` and `validation` of `keras.callbacks.TensorBoard`

BUCKETS = 30


def _metadata(plugin: str, data_class: int) -> Any:
    """Return what tells TensorBoard of what kind a summary is."""
    known = tf.compat.v1.SummaryMetadata
    return known(plugin_data=known.PluginData(plugin_name=plugin), data_class=data_class)


# `tf.summary.scalar` and `histogram` are of the package tensorboard, which TensorFlow no longer needs.
SCALAR, HISTOGRAM = _metadata("scalars", data_class=1), _metadata("histograms", data_class=2)


class Summaries:
    """A run of TensorBoard, in a folder of its own.

    Parameters
    ----------
    log_dir : str or path
        Where TensorBoard looks; local, or of a file system that TensorFlow knows.
    """

    def __init__(self, log_dir: Any) -> None:
        self._folder = tf.io.gfile.join(str(log_dir), RUN)
        self._writer = tf.summary.create_file_writer(self._folder)

    def write(self, epoch: int, looks: dict[str, Look], earlier: dict[str, Look]) -> None:
        """Write what is seen of layers, by name, at the end of an epoch."""
        with self._writer.as_default(epoch), tf.summary.record_if(True):
            for name, look in looks.items():
                for quantity, value in look.scalars().items():
                    tf.summary.write(f"{name}/{quantity}", np.float32(value), metadata=SCALAR)
                for quantity, values in look.histograms(earlier.get(name)).items():
                    tf.summary.write(f"{name}/{quantity}", buckets(values), metadata=HISTOGRAM)
        self._writer.flush()
        embedded = {name: look.codebooks for name, look in looks.items() if look.has_embeddings}
        for name, codebooks in embedded.items():
            self._write(f"{name}.tsv", embeddings_tsv(codebooks))
            self._write(f"{name}_usage.tsv", usage_tsv(codebooks))
        self._write("projector_config.pbtxt", projector_config(list(embedded)))

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.close()

    def _write(self, name: str, text: str) -> None:
        with tf.io.gfile.GFile(tf.io.gfile.join(self._folder, name), "w") as file:
            file.write(text)


def buckets(values: Array) -> Array:
    """Return left edge, right edge and count of each bucket of a histogram, ``[k] -> [buckets, 3]``, float64.

    One bucket for values that are all the same, or too near to one another to be told apart.
    """
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # so that rounding leaves edges apart
        return np.array([[low - 0.5, high + 0.5, len(values)]])
    counts, edges = np.histogram(values.astype(np.float64), BUCKETS)
    return np.stack([edges[:-1], edges[1:], counts.astype(np.float64)], axis=-1)


def projector_config(names: list[str]) -> str:
    """Return the configuration of TensorBoard's projector for the codebooks of these layers, a text of protobuf."""
    entry = 'embeddings {{\n  tensor_name: "{0}"\n  tensor_path: "{0}.tsv"\n  metadata_path: "{0}_usage.tsv"\n}}\n'
    return "".join(entry.format(name) for name in names)


def embeddings_tsv(codebooks: list[Codebook]) -> str:
    """Return a row of coordinates for each embedding, exact in float32; 0 for NaN, which the projector can't show."""
    text = io.StringIO()
    rows = np.concatenate([it.emb_space for it in codebooks])
    np.savetxt(text, np.nan_to_num(rows), fmt="%.9g", delimiter="\t")
    return text.getvalue()


def usage_tsv(codebooks: list[Codebook]) -> str:
    """Return a row for each embedding, below a header: its codebook, its index, and how often it is chosen."""
    rows = [
        f"{book}\t{index}\t{count:.0f}\t{share:.4g}\n"
        for book, it in enumerate(codebooks)
        for index, (count, share) in enumerate(zip(it.access_count, in_even_shares(it.access_count), strict=True))
    ]
    return "".join(["codebook\tindex\tcount\teven shares\n", *rows])
