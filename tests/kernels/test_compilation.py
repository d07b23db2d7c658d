"""When XLA compiles, how often, and what happens where it cannot."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from vq_layer.kernels import chunks, compilation, gradients, pairs, search, sums
from vq_layer.kernels.distances import pairwise_distance
from vq_layer.kernels.lookup import nearest
from vq_layer.kernels.route import route
from vq_layer.kernels.search import nearest_index
from vq_layer.kernels.sums import sum_of_distances

pytestmark = pytest.mark.slow

v1 = tf.compat.v1


CACHES = (
    search._in_chunks,
    sums._in_chunks,
    pairs._in_chunks,
    pairs._gradient_in_chunks,
    compilation._xla_works,
)


@pytest.fixture(autouse=True)
def _traced_anew():
    """Let each test trace and compile by itself."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture
def programs(monkeypatch):
    """Collect the shapes of the rows that each kernel is traced, and so compiled, for."""
    traced = {"scan": [], "_add_up": []}

    def spied(kernel):
        def spy(rows, *arguments, **options):
            traced[kernel.__name__].append(rows.shape.as_list())
            return kernel(rows, *arguments, **options)

        return spy

    for module, name in ((search, "scan"), (gradients, "_add_up")):
        monkeypatch.setattr(module, name, spied(getattr(module, name)))
    return traced


def normal(*shape):
    return tf.constant(np.random.default_rng(0).standard_normal(shape), tf.float32)


def found(x, emb_space):
    return nearest_index(x, emb_space, 2, route(x, emb_space))


def all_pairs(x, emb_space):
    return nearest(pairwise_distance(x, emb_space, 2)).numpy()


def test_a_small_call_compiles_nothing(programs, monkeypatch):
    monkeypatch.setattr(compilation, "_xla_works", lambda _: pytest.fail("looked whether XLA works"))
    layer = vq_layer.presets.adversarial_2018(64)
    layer(normal(8, 16, 64))
    assert programs == {"scan": [], "_add_up": []}


def test_any_number_of_rows_needs_one_program(programs):
    x, emb_space = normal(3000, 4), normal(200, 4)
    call = tf.function(lambda x: found(x, emb_space), input_signature=[tf.TensorSpec([None, 4])])
    for number in (1500, 2048, 2999, 3000):
        np.testing.assert_array_equal(call(x[:number]), all_pairs(x[:number], emb_space))
        np.testing.assert_array_equal(found(x[:number], emb_space), all_pairs(x[:number], emb_space))
    assert programs["scan"] == [[*chunks.compiled_sizes(200 * 4), 4]]


def test_an_epoch_with_a_ragged_last_batch_needs_one_program_of_each_kernel(programs):
    layer = vq_layer.presets.adversarial_2018(256, num_splits=4)
    model = keras.Sequential([keras.layers.Input((16,)), keras.layers.Dense(16), layer])
    model.compile("sgd", "mse", jit_compile=False)
    x = normal(1100, 16)
    model.fit(x, x, batch_size=400, verbose=0)
    for traced in programs.values():
        assert traced == [[*chunks.compiled_sizes(256 * 4), 4]]


def test_indices_do_not_depend_on_the_size_of_the_chunks(monkeypatch):
    emb_space = normal(100, 10)
    x = tf.concat([normal(200, 10), emb_space], axis=0)
    expected, facts = all_pairs(x, emb_space), ("compiled", 100, 10, tf.float32, 2, False)
    for sizes in ((64, 16), (128,)):
        monkeypatch.setattr(chunks, "compiled_sizes", lambda *_, sizes=sizes: sizes)
        search._in_chunks.cache_clear()
        np.testing.assert_array_equal(search._in_chunks(*facts)(x, emb_space), expected)


@pytest.mark.parametrize("building", [False, True], ids=["eager", "graph"])
def test_where_xla_fails_auto_warns_once_and_takes_plain_chunks(monkeypatch, building):
    def refuse(function):
        return tf.function(lambda *arguments: tf.py_function(function, arguments, tf.float32), jit_compile=True)

    def find():
        with tf.Graph().as_default() if building else contextlib.nullcontext():
            index = found(tf.constant(x), tf.constant(emb_space))
            return v1.Session().run(index) if building else index.numpy()

    monkeypatch.setattr(compilation, "compiled", refuse)
    x, emb_space = normal(3000, 4).numpy(), normal(200, 4).numpy()
    with pytest.warns(RuntimeWarning, match="XLA does not work here"):
        index = find()
    np.testing.assert_array_equal(index, all_pairs(x, emb_space))
    find()  # a second warning would be an error


def test_the_gradient_of_the_sum_refuses_to_be_differentiated():
    x, emb_space = normal(7, 4), normal(5, 4)
    with tf.GradientTape() as outer:
        outer.watch(emb_space)
        with tf.GradientTape() as inner:
            inner.watch(emb_space)
            total = sum_of_distances(x, emb_space, 2, route(x, emb_space))
        gradient = inner.gradient(total, emb_space)
        with pytest.raises(NotImplementedError, match="have no gradients of their own"):
            outer.gradient(gradient, emb_space)


def test_who_fetches_the_output_or_a_loss_of_a_graph_does_not_pay_for_all_distances():
    with tf.Graph().as_default():
        endpoints = vq_layer.vector_quantization(v1.placeholder(tf.float32, [None, 8, 8]), 16, return_endpoints=True)
        for fetched in (endpoints.layer_out, *v1.get_collection(v1.GraphKeys.LOSSES)):
            assert endpoints.distance.op not in needed_for(fetched)


def test_only_who_returns_endpoints_pays_for_all_distances(monkeypatch):
    monkeypatch.setattr("vq_layer.parts.comparisons.all_distances", lambda *_: pytest.fail("computed all distances"))
    vq_layer.presets.adversarial_2018(512, losses=["alpha", "beta"])(normal(1000, 8), training=True)


def needed_for(tensor):
    """Return the operations that must run before a tensor is there."""
    needed, left = set(), [tensor.op]
    while left:
        operation = left.pop()
        if operation not in needed:
            needed.add(operation)
            left += [*(source.op for source in operation.inputs), *operation.control_inputs]
    return needed


def test_the_paths_are_named():
    assert vq_layer.get_compilation() == "auto"
    with pytest.raises(ValueError, match=r"`mode` must be one of .*'plain'.* Received: mode='xla'"):
        vq_layer.set_compilation("xla")
