"""The example of encoding in bulk, where Apache Beam is installed: `make beam`."""

import json

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples import bulk_encoding
from vq_layer import VectorQuantization


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """Encode the digits once, into a folder: what the pipeline wrote and read, and the usage."""
    folder = tmp_path_factory.mktemp("bulk")
    bulk_encoding.make_input(folder)
    model, source, target = (str(folder / name) for name in ("codes.keras", "in-*.parquet", "codes"))
    usage = bulk_encoding.main(["--model", model, "--input", source, "--output", target])
    return folder, usage


def read(folder, pattern):
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob(pattern))]).sort_by("id")


def test_every_vector_has_the_codes_that_the_layer_gives_it_and_null_for_none(encoded):
    folder, _ = encoded
    vectors, codes = read(folder, "in-*.parquet"), read(folder, "codes-*.parquet")
    assert codes["id"].to_pylist() == vectors["id"].to_pylist()
    x = np.array(vectors["vector"].to_pylist(), np.float32)
    expected = keras.models.load_model(folder / "codes.keras").layers[-1].encode(x).numpy()
    assert np.count_nonzero(expected == -1) == 1
    assert codes["codes"].to_pylist() == [[None if i == -1 else i for i in row] for row in expected.tolist()]


def test_codes_are_written_in_the_smallest_unsigned_integers(encoded):
    assert read(encoded[0], "codes-*.parquet").schema.field("codes").type.value_type == pa.uint8()


def test_the_usage_is_that_of_all_codes(encoded):
    folder, usage = encoded
    codes = np.array(read(folder, "codes-*.parquet")["codes"].combine_chunks().flatten().drop_null())
    share = np.bincount(codes, minlength=64) / len(codes)
    assert usage == json.loads((folder / "codes-usage.json").read_text())
    assert (usage["codes"], usage["without"], usage["usage"]) == (1797 * 8 - 1, 1, np.mean(share > 0))
    assert usage["perplexity"] == pytest.approx(np.exp(-np.sum(share * np.log(share, where=share > 0, out=share * 0))))


def test_what_workers_count_adds_up_in_any_order():
    combine, codes = bulk_encoding.CountUsage(5), np.random.default_rng(0).integers(-1, 4, [30, 2])

    def counted(rows):
        count = combine.create_accumulator()
        for row in rows:
            count = combine.add_input(count, row)
        return count

    whole = combine.extract_output(counted(codes))
    assert whole["codes"] + whole["without"] == 60
    assert whole["usage"] == 4 / 5
    parts = [counted(codes[20:]), counted([]), counted(codes[:7]), counted(codes[7:20])]
    assert combine.extract_output(combine.merge_accumulators(parts)) == whole
    assert np.isnan(combine.extract_output(counted([]))["perplexity"])


def test_layers_before_the_codes_are_run_first(tmp_path):
    twice = keras.layers.Rescaling(2.0)
    layer = VectorQuantization(300, start=np.arange(300.0)[:, np.newaxis])
    keras.Sequential([keras.Input((1,)), twice, layer]).save(tmp_path / "codes.keras")
    pq.write_table(pa.table({"id": ["a", "b"], "vector": [[3.0], [149.0]]}), tmp_path / "in.parquet")
    bulk_encoding.encode(str(tmp_path / "codes.keras"), str(tmp_path / "in.parquet"), str(tmp_path / "codes"), [])
    codes = read(tmp_path, "codes-*.parquet")
    assert codes["codes"].to_pylist() == [[6], [298]]
    assert codes.schema.field("codes").type.value_type == pa.uint16()
