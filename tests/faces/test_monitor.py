"""What the monitor of codebooks sees, writes, draws and warns of, and that it changes nothing."""

import re
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import (
    CodebookMonitor,
    Commitment,
    CosineVectorQuantization,
    DeadCodes,
    FiniteScalarQuantization,
    FromBatch,
    Majority,
    ResidualVectorQuantization,
    VectorQuantization,
)
from vq_layer.layers.monitor import advice, picture
from vq_layer.layers.monitor.look import Codebook, Look, Sample, rms
from vq_layer.layers.monitor.summaries import buckets

pytestmark = [pytest.mark.slow, pytest.mark.long]

EMB_SPACE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 8.0]], np.float32)
X = np.array([[1.0, 0.0], [5.0, 0.0], [3.0, 1.0], [4.0, -3.0]], np.float32)  # one to the first, three to the second
DISTANCES = [1, 1, 2**0.5, 3]


def layer_of(name="vq", **arguments):
    return VectorQuantization(3, name=name, **{"start": EMB_SPACE, "losses": "alpha", "replacement": None, **arguments})


def compiled(model):
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    return model


def model_of(*layers):
    return compiled(keras.Sequential([keras.layers.Input((2,)), *layers]))


def fit(model, *callbacks, x=X, y=None, epochs=1, **how):
    y = x if y is None else y
    return model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks), **how).history


def written(folder):
    """Return the summaries of a run by step and tag, as arrays."""
    found = {}
    for path in sorted((folder / "codebooks").glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                array = tf.make_ndarray(value.tensor)
                assert plugin == ("histograms" if array.ndim else "scalars")
                found.setdefault(event.step, {})[value.tag] = array
    return found


def assert_holds(histogram, values):
    """Require a histogram of just these values: in order, they lie in the buckets, whose edges are in float64."""
    left, right, counts = histogram.T
    of_each = np.repeat(np.arange(len(counts)), counts.astype(int))
    assert len(of_each) == len(values)
    slack = 1e-6 * np.max(np.abs(values))  # above the rounding of float32, and far below the width of a bucket
    assert np.all(left[of_each] - slack <= np.sort(values))
    assert np.all(np.sort(values) <= right[of_each] + slack)
    if len(counts) > 1:
        np.testing.assert_allclose([left[0], right[-1]], [np.min(values), np.max(values)], rtol=1e-6)


# What is written


def test_a_run_holds_what_the_logs_tell_and_what_the_data_find_at_each_epoch(tmp_path):
    moved = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: layer.emb_space.assign(EMB_SPACE + epoch * np.array([0.3, 0.4]))
    )
    layer = layer_of()
    with tf.summary.record_if(False):  # as `keras.callbacks.TensorBoard` leaves it
        logs = fit(model_of(layer), moved, CodebookMonitor(tmp_path, X), epochs=2, validation_data=(X[:1], X[:1]))
    first, second = (written(tmp_path)[step] for step in (0, 1))
    for epoch, told in enumerate((first, second)):
        for name in ("perplexity", "codebook_usage", "alpha_loss"):
            assert told[f"vq/{name}"] == logs[name][epoch] != logs[f"val_{name}"][epoch]
    rms_of_inputs, rms_of_embeddings = (61 / 8) ** 0.5, (80 / 6) ** 0.5
    np.testing.assert_allclose(first["vq/rms_of_inputs"], rms_of_inputs, rtol=1e-6)
    np.testing.assert_allclose(first["vq/rms_of_embeddings"], rms_of_embeddings, rtol=1e-6)
    np.testing.assert_allclose(first["vq/rms_ratio"], rms_of_inputs / rms_of_embeddings, rtol=1e-6)
    assert_holds(first["vq/distance"], DISTANCES)
    assert_holds(first["vq/spacing"], [4, 4, 8])
    assert_holds(first["vq/usage_in_even_shares"], [0, 3 / 4, 9 / 4])
    assert "vq/drift" not in first
    assert_holds(second["vq/drift"], [0.5, 0.5, 0.5])


def test_the_projector_finds_the_embeddings_of_the_last_look_and_their_usage(tmp_path):
    layers = layer_of("a"), layer_of("b", start=[EMB_SPACE, -EMB_SPACE], num_splits=2, codebooks="per-split")
    x = keras.Input((2,))
    inner = layers[0](x)
    out = layers[1](keras.layers.Concatenate()([inner, x]))
    model = compiled(keras.Model(x, keras.layers.Reshape((2, 2))(out)))
    fit(model, CodebookMonitor(tmp_path, X, png=tmp_path), y=X[:, None], epochs=2)
    assert (tmp_path / "epoch_0002.png").read_bytes().startswith(b"\x89PNG")
    folder = tmp_path / "codebooks"
    # The messages and fields of projector_config.proto of TensorBoard; the paths are relative to the file.
    entry = 'embeddings {{\n  tensor_name: "{0}"\n  tensor_path: "{0}.tsv"\n  metadata_path: "{0}_usage.tsv"\n}}\n'
    assert (folder / "projector_config.pbtxt").read_text() == entry.format("a") + entry.format("b")
    for name, layer in zip("ab", layers, strict=True):
        rows = np.reshape(layer.emb_space, [-1, 2])
        np.testing.assert_array_equal(np.loadtxt(folder / f"{name}.tsv", delimiter="\t", dtype=np.float32), rows)
        header, *usage = [line.split("\t") for line in (folder / f"{name}_usage.tsv").read_text().splitlines()]
        assert header == ["codebook", "index", "count", "even shares"]
        of_books = np.reshape(layer.metrics[0].access_count, [-1, 3])
        expected = [
            [str(book), str(index), str(count), f"{count * 3 / counts.sum():.4g}"]
            for book, counts in enumerate(of_books)
            for index, count in enumerate(counts)
        ]
        assert usage == expected


def test_buckets_of_equal_values_are_one_and_hold_all():
    for values in (np.zeros(3), np.full(3, 1e30), np.array([1.0, 1 + 2**-52, 1])):
        assert buckets(values)[:, 2].tolist() == [3]
        assert_holds(buckets(values), values)


# Which models


class Subclassed(keras.Model):
    """A subclassed model whose `call` takes no `training`, with an inner one."""

    def __init__(self):
        super().__init__()
        self.inner, self.last = keras.Sequential([keras.layers.Input((2,)), layer_of("a")]), layer_of("b")

    def call(self, x):
        """Quantize x twice."""
        return self.last(self.inner(x))


def functional():
    x = keras.Input((2,))
    inner = keras.Model(x, layer_of("a")(x))
    return keras.Model(x, layer_of("b")(inner(x)))


def residual(**arguments):
    return keras.Sequential(
        [
            keras.layers.Input((2,)),
            ResidualVectorQuantization(3, start="normal", losses="alpha", replacement=None, **arguments),
        ]
    )


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: keras.Sequential([keras.Sequential([layer_of("a")]), layer_of("a")]), ["a", "a_1"]),
        (functional, ["a", "b"]),
        (Subclassed, ["a", "b"]),
        (lambda: residual(num_stages=2), ["stage_0", "stage_1"]),
        (lambda: residual(num_stages=2, shared=True), ["stage_0"]),
        (lambda: keras.Sequential([layer_of("a", dtype="mixed_bfloat16")]), ["a"]),
    ],
)
def test_every_layer_of_a_model_is_seen_by_its_name(build, names, tmp_path):
    fit(compiled(build()), CodebookMonitor(tmp_path, X))
    quantities = {"perplexity", "codebook_usage", "alpha_loss", "rms_of_inputs", "rms_of_embeddings", "rms_ratio"}
    quantities |= {"usage_in_even_shares", "distance", "spacing"}
    found = written(tmp_path)[0]
    assert {*found} == {f"{name}/{quantity}" for name in names for quantity in quantities}
    assert [tag.split("/")[0] for tag in found if tag.endswith("/perplexity")] == names  # as they are called


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_what_has_no_embeddings_no_metrics_or_no_norm_has_what_makes_sense(tmp_path):
    layers = [
        FiniteScalarQuantization([3, 4], name="small"),
        FiniteScalarQuantization([2**16, 2**16], name="large"),
        CosineVectorQuantization(3, start=EMB_SPACE, name="cosine"),
    ]
    fit(model_of(*layers), CodebookMonitor(tmp_path, X, png=tmp_path))
    found = written(tmp_path)[0]
    of_data = {"perplexity", "codebook_usage", "rms_of_inputs", "usage_in_even_shares"}
    of_codebook = {"rms_of_embeddings", "rms_ratio", "distance"}
    expected = {f"{layer.name}/{quantity}" for layer in layers for quantity in of_data}
    assert {*found} == expected | {f"cosine/{quantity}" for quantity in of_codebook}
    assert found["small/codebook_usage"] == np.float32(layers[0].told["codebook_usage"])
    grid = np.unique(layers[1].encode(layers[0](X))).size
    assert found["large/codebook_usage"] == np.float32(grid / 2**32)
    assert "cosine" in (tmp_path / "codebooks" / "projector_config.pbtxt").read_text()
    assert "small" not in (tmp_path / "codebooks" / "projector_config.pbtxt").read_text()


def test_masked_vectors_and_such_that_are_not_finite_are_not_seen(tmp_path):
    x = np.concatenate([X, [[np.nan, 0.0], [np.inf, 1.0]], np.full([2, 2], 99.0)])[:, None].astype(np.float32)
    model = compiled(keras.Sequential([keras.layers.Input((1, 2)), keras.layers.Masking(99.0), layer_of()]))
    fit(model, CodebookMonitor(tmp_path, x), x=x)
    assert_holds(written(tmp_path)[0]["vq/distance"], DISTANCES)


def test_a_training_that_is_lost_is_seen_as_well(tmp_path):
    fit(model_of(layer_of()), CodebookMonitor(tmp_path, X * np.nan, png=tmp_path), x=X * np.nan)
    assert {*written(tmp_path)[0]} == {"vq/rms_of_embeddings", "vq/usage_in_even_shares", "vq/spacing"}


def test_of_an_embedding_that_is_not_finite_only_the_usage_counts(tmp_path):
    layer = layer_of(losses=[])
    layer.trainable = False
    monitor = CodebookMonitor(tmp_path, X, png=tmp_path)
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2, "linear", False, "identity"), layer])
    layer.emb_space.assign([[0, 0], [4, 0], [np.nan, np.inf]])
    fit(compiled(model), monitor, epochs=2)
    found = written(tmp_path)[1]
    assert_holds(found["vq/spacing"], [4, 4])
    assert_holds(found["vq/drift"], [0, 0])
    assert_holds(found["vq/usage_in_even_shares"], [0, 3 / 4, 9 / 4])
    np.testing.assert_allclose(found["vq/rms_of_embeddings"], 2, rtol=1e-6)
    assert (tmp_path / "codebooks" / "vq.tsv").read_text().splitlines() == ["0\t0", "4\t0", "0\t0"]


def test_a_layer_that_no_inference_reaches_is_named():
    model = Subclassed()
    model.aside = layer_of("aside", trainable=False)
    model.aside.build((None, 2))
    with pytest.warns(UserWarning, match="does not see the layer 'aside'") as caught:
        fit(compiled(model), CodebookMonitor(None, X), epochs=2)
    assert len(caught) == 1


def test_a_layer_that_is_not_of_the_model_is_not_looked_at(tmp_path):
    other = layer_of("other", losses=[])

    def by_other(x):  # which Keras does not look into
        return other(x)

    model = keras.Sequential([keras.layers.Lambda(by_other), layer_of("own")])
    fit(compiled(model), CodebookMonitor(tmp_path, X))
    assert {tag.split("/")[0] for tag in written(tmp_path)[0]} == {"own"}


# It changes nothing


def test_a_training_that_is_watched_is_the_same_as_one_that_is_not(tmp_path):
    def trained(*callbacks):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(2), VectorQuantization(3, name="vq")]
        )
        model.compile("adam", "mse", run_eagerly=True)
        history = model.fit(
            X, X, batch_size=2, epochs=2, verbose=0, callbacks=list(callbacks), validation_data=(X, X)
        ).history
        return history, [weight.numpy() for weight in model.weights], [it.numpy() for it in model.metrics_variables]

    alone, watched = trained(), trained(CodebookMonitor(tmp_path, X, png=tmp_path))
    tf.nest.map_structure(np.testing.assert_array_equal, alone, watched)


@pytest.mark.parametrize("fails", [False, True])
def test_losses_that_were_added_before_a_look_are_there_after_it_whatever_happens(fails):
    layer = layer_of()
    model = model_of(layer)
    monitor = CodebookMonitor(None, np.zeros([4, 3], np.float32) if fails else -X)
    monitor.set_model(model)
    expected = [float(loss) for loss in (model(X, training=True), model.losses)[1]]
    if fails:
        with pytest.raises(ValueError, match="shape"):
            monitor.on_epoch_end(0)
    else:
        monitor.on_epoch_end(0)
    assert [float(loss) for loss in model.losses] == expected
    assert layer.metrics[0].access_count.numpy().tolist() == [1, 3, 0]
    layer(X)  # and nobody looks on any more


# The data


def shown(data, width=2, **arguments):
    """Return the batches that a model of inputs of this width is shown in two looks."""
    seen = []

    class Showing(keras.Model):
        """A model that tells what it is called with."""

        def __init__(self):
            super().__init__()
            self.vq = VectorQuantization(3, start=np.zeros([3, width]), name="vq", trainable=False)
            self.vq.build((None, width))

        def call(self, x):
            """Quantize the sum of all inputs."""
            seen.append(tf.nest.map_structure(lambda it: np.asarray(it).tolist(), x))
            return self.vq(sum(tf.nest.flatten(x)))

    monitor = CodebookMonitor(None, data, **arguments)
    monitor.set_model(Showing())
    monitor.on_epoch_end(0)
    once = list(seen)
    monitor.on_epoch_end(1)
    assert seen == once * 2
    return once, monitor._looks["vq"][-1].codebooks[0].sample.vectors


def test_arrays_are_shown_in_small_batches_and_datasets_in_their_own_only_as_many_as_it_takes_and_once():
    x = np.arange(200, dtype=np.float32).reshape(100, 2)
    begun = []

    def generated():
        begun.append(True)
        for batch in np.split(x, 10):
            yield batch, np.zeros(10)

    dataset = tf.data.Dataset.from_generator(generated, output_signature=(tf.TensorSpec([10, 2]), tf.TensorSpec([10])))
    for data, size in ((x, 32), (tf.constant(x), 32), (dataset, 10)):
        batches_shown, vectors = shown(data, num_vectors=33)
        number = -(-33 // size)
        assert batches_shown == [x[i * size : (i + 1) * size].tolist() for i in range(number)]
        assert len(vectors) == 33
    assert begun == [True]
    assert len(shown(x)[1]) == 100


@pytest.mark.parametrize("kind", [list, tuple, lambda arrays: dict(zip("ab", arrays, strict=True))])
def test_several_inputs_are_taken_as_fit_takes_them(kind):
    data = kind([X, 2 * X])
    (batch,), vectors = shown(data)
    assert batch == tf.nest.map_structure(lambda array: array.tolist(), data)
    np.testing.assert_array_equal(vectors, 3 * X)


def test_of_many_vectors_the_same_are_drawn_each_time_from_all_over_the_batch():
    x = np.arange(2000, dtype=np.float32).reshape(2, 1000, 1)
    drawn = [np.ravel(shown(x, 1, num_vectors=100, seed=seed)[1]) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert drawn[0].tolist() != drawn[2].tolist()
    assert [len(set(it)) for it in drawn] == [100] * 3
    # Of 100 drawn at random, no tenth is left out but with a probability of 10 · 0.9^100 < 3e-4.
    assert np.histogram(drawn[0], 10, range=(0, 2000))[0].min() > 0


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"data": [[1.0], [2.0, 3.0]]}, "`data` must be"),
        ({"data": {"a": X, "b": X[:2]}}, r"`data` must be .* Received: dict of shapes \[\(4, 2\), \(2, 2\)\]"),
        ({"data": X[:0]}, "`data` must be"),
        ({"data": None}, "`data` must be"),
        ({"every": 0}, "`every` must be at least 1. Received: every=0"),
        ({"every": 1.5}, "`every` must be an integer. Received: every=1.5"),
        ({"num_vectors": 0}, "`num_vectors` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_a_wrong_argument_is_named(arguments, match):
    with pytest.raises((ValueError, TypeError), match=match):
        CodebookMonitor(**{"log_dir": None, "data": X, **arguments})


def test_a_model_without_a_quantizer_is_refused_before_anything_is_written(tmp_path):
    monitor = CodebookMonitor(tmp_path, X)
    with pytest.raises(ValueError, match="needs a model with a layer"):
        fit(model_of(keras.layers.Dense(2)), monitor)
    assert list(tmp_path.iterdir()) == []


def test_it_looks_every_so_many_epochs(tmp_path):
    fit(model_of(layer_of()), CodebookMonitor(tmp_path, X, every=2, png=tmp_path / "new" / "png"), epochs=5)
    assert [*written(tmp_path)] == [1, 3]
    pictures = sorted(path.name for path in (tmp_path / "new" / "png").iterdir())
    assert pictures == ["epoch_0002.png", "epoch_0004.png"]


def test_an_evaluation_of_its_own_is_not_looked_at(tmp_path):
    model, monitor = model_of(layer_of()), CodebookMonitor(tmp_path, X)
    model.evaluate(X, X, verbose=0, callbacks=[monitor])
    fit(model, monitor, epochs=1)
    model.evaluate(X, X, verbose=0, callbacks=[monitor])
    assert [*written(tmp_path)] == [0]


# The picture


def codebook_of(emb_space, vectors, counts):
    index = np.zeros(len(vectors), int)
    return Codebook(np.asarray(counts), Sample(vectors, index, index), emb_space, index)


def test_without_matplotlib_only_a_picture_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    CodebookMonitor(None, X)
    with pytest.raises(ImportError, match="`png` needs Matplotlib"):
        CodebookMonitor(None, X, png="pictures")


def test_the_first_components_of_the_data_are_the_axes():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    vectors = rng.normal(size=(500, 5)) * [9, 4, 1, 1, 1] @ basis + 7
    project, explained = picture.projection(vectors)
    wide = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh(wide.T @ wide)  # ascending
    np.testing.assert_allclose(explained, values[:-3:-1] / values.sum())
    np.testing.assert_allclose(np.abs(project(vectors)), np.abs(wide @ axes[:, :-3:-1]), atol=1e-9)
    of_axes = project(np.eye(5)) - project(np.zeros(5))
    assert (of_axes[np.abs(of_axes).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("vectors", [np.ones([4, 1]), np.ones([1, 3]), np.ones([3, 3])])
def test_where_there_is_no_second_component_it_is_zero(vectors):
    project, explained = picture.projection(vectors)
    np.testing.assert_allclose(project(vectors), np.zeros([len(vectors), 2]), atol=1e-15)
    np.testing.assert_array_equal(explained, [0, 0])


def test_a_panel_shows_the_data_the_used_by_area_and_the_others_apart():
    codebook = codebook_of(EMB_SPACE, X, [1, 3, 0])
    figure = picture.draw("Epoch 1", [("vq", codebook)])
    (axes,) = figure.axes
    data, used, never = axes.collections
    project, _ = picture.projection(X)
    np.testing.assert_allclose(data.get_offsets(), project(X))
    np.testing.assert_allclose(used.get_offsets(), project(EMB_SPACE[:2]))
    np.testing.assert_allclose(never.get_offsets(), project(EMB_SPACE[2:]))
    assert used.get_sizes()[0] < used.get_sizes()[1]
    assert axes.get_title() == "vq: 2 of 3 in use"
    assert figure.get_suptitle() == "Epoch 1"


# The warnings


def looks_of(layer, magnitudes, used, vectors=1000):
    """Return looks at a layer of 10 embeddings of magnitude 1: of so many in use, by so many vectors in an epoch."""
    counts = np.zeros([len(used), 10])
    for row, number in zip(counts, used, strict=True):
        row[:number] = vectors / number
    ones = np.ones([10, 2])
    return [
        Look(layer, [codebook_of(ones, magnitude * ones, of_epoch)], {})
        for magnitude, of_epoch in zip(magnitudes, counts, strict=True)
    ]


def ten(**arguments):
    return VectorQuantization(10, name="vq", **{"start": "normal", "replacement": None, **arguments})


@pytest.mark.parametrize(
    ("used", "vectors", "warns"),
    [
        ([4, 4, 4], 1000, True),
        ([10, 4, 4], 100, True),
        ([4, 4], 1000, False),  # too early
        ([4, 4, 5], 1000, False),
        ([4, 5, 4], 1000, False),
        ([4, 4, 4], 99, False),  # too few to tell
    ],
)
def test_it_warns_of_few_embeddings_in_use_in_two_looks_from_the_third_on(used, vectors, warns):
    text = advice.of_usage(looks_of(ten(), [1] * len(used), used, vectors))
    assert (text is not None) == warns
    if warns:
        assert f"the layer 'vq' used 4 of its 10 embeddings in an epoch of {vectors:,} vectors" in text


@pytest.mark.parametrize(
    ("build", "tried"),
    [
        (ten, '`replacement=DeadCodes()`, `start=FromBatch("k-means")`, or fewer embeddings.'),
        (lambda: ten(replacement=DeadCodes()), '`start=FromBatch("k-means")`, or fewer embeddings.'),
        (lambda: ten(start=FromBatch("k-means")), "`replacement=DeadCodes()`, or fewer embeddings."),
        (lambda: ten(start=FromBatch("sample"), replacement=DeadCodes()), "fewer embeddings."),
    ],
)
def test_what_it_says_to_try_is_what_the_layer_lacks(build, tried):
    assert advice.of_usage(looks_of(build(), [1] * 3, [4] * 3)).endswith(f"Try {tried}")


@pytest.mark.parametrize(
    "build",
    [
        lambda: ten(trainable=False),
        lambda: ten(choice=Majority(np.zeros(10, int), 2, 1), comparison="cosine"),
        lambda: CosineVectorQuantization(10),
        lambda: FiniteScalarQuantization([2, 5]),
    ],
)
def test_it_does_not_warn_of_what_does_not_train(build):
    looks = looks_of(build(), [1, 100, 1000, 10000], [1] * 4)
    assert advice.of_usage(looks) is advice.of_magnitudes(looks) is None


@pytest.mark.parametrize(
    ("magnitudes", "match"),
    [
        ([1, 10.1], "the inputs of the layer 'vq' have a root mean square of 10.1, its embeddings of 1. "),
        ([10.1], None),  # too early
        ([1, 9.9, 9.9], None),
        ([1, 0.11], None),
        ([1, 0.09], "have a root mean square of 0.09, "),
        ([0.2, 0.4, 0.8, 1.6], "grow and grow: they have a root mean square of 1.6"),
        ([0.2, 0.4, 0.8], None),
        ([0.2, 0.4, 0.5, 1.0], None),
        ([np.nan, np.nan], None),
    ],
)
def test_it_warns_of_magnitudes_that_are_a_tenth_or_ten_times_and_of_inputs_that_grow_three_times(magnitudes, match):
    text = advice.of_magnitudes(looks_of(ten(), magnitudes, [10] * len(magnitudes)))
    assert (text is None) if match is None else re.search(match, text)


@pytest.mark.parametrize(
    ("arguments", "magnitude", "tried"),
    [
        ({"losses": []}, 11, "`Commitment(0.25)` among the losses, or a normalization"),
        ({"losses": Commitment(0.0)}, 11, "`Commitment(0.25)` among the losses, or a normalization"),
        ({}, 11, "a larger weight of `Commitment`, or a normalization"),
        ({}, 0.01, '`start=FromBatch("k-means")`, or a normalization'),
        ({"start": FromBatch("k-means")}, 0.01, "Try a normalization"),
    ],
)
def test_what_it_says_to_try_against_magnitudes_is_what_the_layer_lacks(arguments, magnitude, tried):
    text = advice.of_magnitudes(looks_of(ten(**arguments), [1, magnitude], [10, 10]))
    assert tried in text
    assert advice.of_magnitudes(looks_of(ten(comparison="cosine"), [1, magnitude], [10, 10])) is None


def test_it_warns_once_of_each_layer_in_each_training_without_a_folder_as_well():
    x = np.tile(100 * X, [20, 1]).astype(np.float32)
    model = model_of(layer_of("near"), keras.layers.Rescaling(0.0), keras.layers.Rescaling(1.0, 100.0), layer_of("far"))
    monitor = CodebookMonitor(None, x)
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(x, x, batch_size=80, epochs=5, verbose=0, callbacks=[monitor])
        told = sorted(re.search(r"'(\w+)' (used|have)", str(it.message)).groups() for it in caught)
        assert told == [(name, what) for name in ("far", "near") for what in ("have", "used")]


def test_the_root_mean_square_is_that_of_finite_values():
    assert rms([np.array([3.0, np.nan]), np.array([[-4.0], [np.inf]])]) == 12.5**0.5
    assert np.isnan(rms([np.zeros(0)]))
