"""Encoding in bulk with Apache Beam
=================================

After this example you can encode files of vectors on one machine or a cluster, and count how the codes are used.

A pipeline reads rows of an id and a vector from Parquet files, lets a saved Keras model that ends in a
`VectorQuantization` encode them in batches, and writes the codes in the smallest unsigned integers that hold all n,
null where there is none, and how often they occur: integers, which add up to the same in any order. What a cluster
needs is said by options of Beam, not here. Beam has an environment of its own, so this page shows it without running
it::

    pip install '.[beam]'
    python -m examples.bulk_encoding --small
    python -m examples.bulk_encoding --model codes.keras --input 'in/*.parquet' --output out/codes
    ... --runner FlinkRunner --flink_master host:8081        or SparkRunner, or
    ... --runner DataflowRunner --project P --region R --temp_location gs://...

The first two run on this machine. Workers elsewhere need this project installed, and paths that all of them can read.

Akidau et al., "The Dataflow Model", 2015. https://beam.apache.org/documentation/runners/capability-matrix/
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import apache_beam as beam
import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from vq_layer import VectorQuantization


class Encoder(ModelHandler):
    """What a worker does with a saved model: load it once, and encode batches of vectors, ``[m, q] -> [m, splits]``."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def load_model(self) -> keras.Model:
        """Return the model."""
        return keras.models.load_model(self.path)

    def run_inference(self, batch: Sequence[NDArray], model: keras.Model, inference_args: Any = None) -> Iterable:
        """Return the codes of each vector, -1 for none."""
        del inference_args
        *before, codes = model.layers
        vectors = reduce(lambda x, layer: layer(x), before, np.stack(batch))
        return codes.encode(vectors).numpy()

    def batch_elements_kwargs(self) -> dict[str, int]:
        """Return how many vectors make a batch."""
        return {"min_batch_size": 256, "max_batch_size": 4096}


class CountUsage(beam.CombineFn):
    """Count codes: an accumulator is how often each occurs, and at the end how often there was none, ``[n + 1]``."""

    def __init__(self, n: int) -> None:
        self.n = n

    def create_accumulator(self) -> NDArray[np.int64]:
        """Begin with no codes."""
        return np.zeros([self.n + 1], np.int64)

    def add_input(self, count: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the codes of a vector; -1 is the last entry."""
        np.add.at(count, codes, 1)
        return count

    def merge_accumulators(self, counts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
        """Add what workers counted."""
        return np.sum(list(counts), axis=0)

    def extract_output(self, count: NDArray[np.int64]) -> dict[str, float]:
        """Return the number of codes, how often there was none, the share of codes in use, and the perplexity."""
        used = count[:-1][count[:-1] > 0]
        total = int(used.sum())
        entropy = -np.sum(used / total * np.log(used / total)) if total else np.nan
        perplexity = float(np.exp(entropy))
        return {"codes": total, "without": int(count[-1]), "usage": len(used) / self.n, "perplexity": perplexity}


def encode(model: str, source: str, target: str, options: Sequence[str]) -> None:
    """Run the pipeline: from files of ``id`` and ``vector`` to ``<target>-*.parquet`` and ``<target>-usage.json``."""
    n = keras.models.load_model(model).layers[-1].n
    smallest = pa.from_numpy_dtype(np.min_scalar_type(n - 1))
    schema = pa.schema([("id", pa.string()), ("codes", pa.list_(smallest))])
    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        codes = (
            pipeline
            | "Read" >> beam.io.ReadFromParquet(source)
            | "Vectors" >> beam.Map(lambda row: (row["id"], np.asarray(row["vector"], np.float32)))
            | "Encode" >> RunInference(KeyedModelHandler(Encoder(model)))
        )
        _ = (
            codes
            | "Rows" >> beam.MapTuple(lambda key, it: {"id": key, "codes": [int(i) if i >= 0 else None for i in it]})
            | "Write" >> beam.io.WriteToParquet(target, schema, file_name_suffix=".parquet")
        )
        _ = (
            codes
            | "Codes" >> beam.Values()
            | "Count" >> beam.CombineGlobally(CountUsage(n))
            | "As JSON" >> beam.Map(json.dumps)
            | "Write usage" >> beam.io.WriteToText(f"{target}-usage.json", shard_name_template="")
        )


def make_input(folder: Path) -> None:
    """Write what there is to encode into a folder: digits in three files, and a model that codes each by 8 of 64."""
    digits = (load_digits().data / 16).astype(np.float32)
    layer = VectorQuantization(64, num_splits=8)
    layer.initialize_from(digits)
    keras.Sequential([keras.Input((64,)), layer]).save(folder / "codes.keras")
    digits[0, 0] = np.nan  # a vector that has no code, in the first of its splits
    for part, indices in enumerate(np.array_split(np.arange(len(digits)), 3)):
        table = pa.table({"id": [f"digit-{i}" for i in indices], "vector": list(digits[indices])})
        pq.write_table(table, folder / f"in-{part}.parquet")


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Encode, print the usage, and return it."""
    parser = argparse.ArgumentParser(description="Encode in bulk; further options are Beam's.")
    parser.add_argument("--small", action="store_true", help="digits and a model of them, made for a try")
    parser.add_argument("--model", default="codes.keras", help="a model that ends in a VectorQuantization")
    parser.add_argument("--input", default="in-*.parquet", help="files of the columns `id` and `vector`")
    parser.add_argument("--output", default="out/codes", help="how the names of the files begin that are written")
    own, options = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        if own.small:
            make_input(Path(made))
            own.model, own.input = f"{made}/codes.keras", f"{made}/in-*.parquet"
        encode(own.model, own.input, own.output, options)
    with FileSystems.open(f"{own.output}-usage.json") as file:
        usage = json.load(file)
    print("{codes} codes, {without} without; {usage:.0%} in use, perplexity {perplexity:.1f}".format(**usage))
    return usage


if __name__ == "__main__":
    main()
