"""No intermediate result is NaN or infinite where all inputs are finite, as `tf.debugging` checks."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from vq_layer.kernels import tuning
from vq_layer.kernels.tuning import Tuning

pytestmark = [pytest.mark.slow, pytest.mark.long]  # it trains

N, D = 23, 5  # in no other test: what is traced here is checked for good
RNG = np.random.default_rng(0)
X = RNG.standard_normal([6, 4, 2 * D]).astype(np.float32)
X[0] = 0  # similar to none
LABELS = np.arange(N) % 3
VECTOR = {"num_splits": 2, "start": "random_normal"}
LOSSES = [vq_layer.Alpha(0.1), vq_layer.Beta(0.1), vq_layer.Coulomb(0.1)]


@pytest.fixture(params=["small", "large"])
def _checked(request, monkeypatch):
    """Check each operation, of the plain formula and in chunks."""
    if request.param == "large":
        # Chunks of which the last is filled up.
        monkeypatch.setattr(tuning, "TUNING", Tuning(small=0, plain_chunk=7 * N * D))
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()
    assert np.isinf(1 / tf.zeros([]))


checked = pytest.mark.usefixtures("_checked")


@checked
@pytest.mark.parametrize(
    ("_checked", "comparison"),
    [("small", "l1"), ("small", "l2"), ("small", "linf"), ("large", "l2")],
    indirect=["_checked"],
)
def test_a_training_pass_and_its_gradients_have_none(comparison):
    in_space = vq_layer.PCA(comparison, components=3)
    for options in ({"replacement": vq_layer.MostDistant(2)}, {"return_endpoints": True}, {"comparison": in_space}):
        layer = vq_layer.presets.adversarial_2018(N, losses=LOSSES, **{"comparison": comparison, **VECTOR, **options})
        layer.build(X.shape)
        with tf.GradientTape() as tape:
            layer(X, training=True)
            loss = tf.add_n(layer.losses)
        assert np.isfinite(tape.gradient(loss, layer.emb_space.value)).all()
        layer.decode(layer.encode(X))
        if "replacement" in options:
            layer.replace_embeds()


@checked
@pytest.mark.parametrize("_checked", ["large"], indirect=True)
def test_fit_has_none():
    layer = vq_layer.presets.adversarial_2018(N, losses=LOSSES, **VECTOR)
    model = keras.Sequential([keras.layers.Input(X.shape[1:]), layer])
    model.compile("sgd", "mse", jit_compile=False)  # XLA compiles no checks
    model.fit(X, X, batch_size=3, epochs=1, verbose=0)


@checked
@pytest.mark.parametrize("options", [{}, {"comparison": vq_layer.PCA("cosine", components=3)}])
def test_the_cosine_layers_have_none(options):
    for layer in (
        vq_layer.CosineVectorQuantization(N, **VECTOR, **options, return_endpoints=True),
        vq_layer.CosineKNNVectorQuantization(LABELS, 3, 4, N, majority_threshold=0.5, **VECTOR, **options),
    ):
        layer(X)
        layer.encode(X)


@checked
@pytest.mark.parametrize("_checked", ["small"], indirect=True)
def test_the_functions_for_graphs_have_none():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, *X.shape[1:]])
        options = {"num_splits": 2, "return_endpoints": True}
        fetched = [
            vq_layer.vector_quantization(x, N, num_embeds_replaced=2, is_training=True, **options, name="a"),
            vq_layer.cosine_vector_quantization(x, N, **options, name="b"),
            vq_layer.cosine_knn_vector_quantization(x, LABELS, 3, 4, N, **options, name="c"),
        ]
        losses = tf.compat.v1.losses.get_losses()
        fetched.append(tf.gradients(tf.add_n(losses), tf.compat.v1.trainable_variables()))
        present = [part for part in itertools.chain(*fetched) if isinstance(part, tf.Tensor)]
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            assert len(session.run(present, {x: X})) == len(present)
