"""The type of device that decides how large inputs are computed, on machines with a GPU and without."""

import numpy as np
import pytest
import tensorflow as tf

from vq_layer.kernels import compilation, tuning
from vq_layer.kernels.route import route
from vq_layer.kernels.search import by_product, nearest_index
from vq_layer.kernels.surroundings import types_of
from vq_layer.kernels.tuning import Tuning


@pytest.mark.parametrize(
    ("device", "with_gpu", "types"),
    [
        ("", False, ("CPU",)),
        ("", True, ("CPU", "GPU")),
        ("/job:localhost/replica:0/task:0", True, ("CPU", "GPU")),
        ("/device:CPU:0", True, ("CPU",)),
        ("/job:localhost/replica:0/task:0/device:GPU:1", True, ("GPU",)),
        ("/device:GPU:0", False, ("CPU",)),  # by soft placement
    ],
)
def test_a_device_that_is_named_decides_and_without_a_gpu_all_is_computed_on_the_processor(device, with_gpu, types):
    assert types_of(device, with_gpu) == types


@pytest.fixture
def _gpu(monkeypatch):
    """Pretend that a GPU is visible, on which XLA works; nothing runs there."""
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    monkeypatch.setattr(compilation, "_xla_works", lambda _: True)
    monkeypatch.setattr(tuning, "TUNING", Tuning(small=0, fused_pairs=1 << 10))


@pytest.mark.usefixtures("_gpu")
@pytest.mark.parametrize(("scope", "way"), [("/CPU:0", "compiled"), ("/GPU:0", "fused"), (None, None)])
def test_beside_a_gpu_the_scope_of_a_graph_decides_and_without_one_its_run(scope, way):
    with tf.Graph().as_default(), tf.device(scope):
        assert route(tf.zeros([100, 3]), np.zeros([5, 3], np.float32)).way == way


@pytest.mark.usefixtures("_gpu")
@pytest.mark.parametrize(("scope", "pays"), [("/CPU:0", True), ("/GPU:0", False), (None, False)])
def test_no_product_that_a_gpu_may_round_more_decides_which_of_few_is_nearest(scope, pays):
    with tf.Graph().as_default(), tf.device(scope):
        assert by_product(tf.zeros([1000, 30]), tf.zeros([50, 30]), 2) == pays


@pytest.mark.usefixtures("_gpu")
def test_a_graph_without_a_scope_finds_out_on_which_device_it_runs():
    rng = np.random.default_rng(0)
    x, emb_space = (tf.constant(rng.standard_normal([number, 3]), tf.float32) for number in (100, 20))
    taken = []

    def noting(way):
        taken.append(way)
        return tf.constant(way)

    @tf.function
    def find():
        way = route(x, emb_space)
        return way.take(noting), nearest_index(x, emb_space, 1, way)

    way, index = find()
    assert sorted(taken) == ["compiled", "fused"]
    assert way == b"compiled"
    distance = np.abs(x[:, tf.newaxis] - emb_space).sum(axis=-1)
    np.testing.assert_array_equal(index, distance.argmin(axis=1))
