"""What a call of the Keras layer computes and counts only if its losses are read, and how its metrics are named."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import Codebook, Commitment, DeadCodes, MostDistant, VectorQuantization
from vq_layer.core.quantizer import quantize
from vq_layer.parts import losses
from vq_layer.presets import adversarial_2018

pytestmark = pytest.mark.slow  # it trains

EMB_SPACE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 8.0]], np.float32)
X = np.array([[1.0, 0.0], [5.0, 0.0], [3.0, 1.0], [4.0, -1.0]], np.float32)  # one to the first, three to the second
LOSSES = ("alpha_loss", "beta_loss_of_sum", "coulomb_loss")

UNTRAINED = pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")


def layer_of(name="vq", **arguments):
    layer = adversarial_2018(3, name=name, **arguments)
    layer.build((None, 2))
    layer.emb_space.assign(EMB_SPACE)
    return layer


def model_of(*layers, **arguments):
    model = keras.Sequential([keras.layers.Input((2,)), *layers])
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True, **arguments)
    return model


def counted(layer):
    return layer.metrics[0].access_count.numpy().tolist()


@pytest.fixture
def computed(monkeypatch):
    """Return a list of the losses that have been computed so far, by name."""
    names = []

    def recorded(name, loss):
        return lambda *arguments: names.append(name) or loss(*arguments)

    for name in LOSSES:
        monkeypatch.setattr(losses, name, recorded(name, getattr(losses, name)))
    return names


# The losses


@pytest.mark.clause("VQ-5.7")
@pytest.mark.parametrize("arguments", [{}, {"training": False}, {"training": None}])
@pytest.mark.parametrize("of", [lambda layer: layer, model_of], ids=["layer", "model"])
def test_an_eager_inference_computes_no_loss_until_they_are_read_and_then_each_once(of, arguments, computed):
    face = of(layer_of())
    computed.clear()  # what a model takes to be built
    face(X, **arguments)
    assert computed == []
    first = face.losses
    assert computed == list(LOSSES)
    assert [loss is again for loss, again in zip(first, face.losses, strict=True)] == [True] * 3
    assert computed == list(LOSSES)


def test_predict_computes_no_loss_even_eagerly(computed):
    model = model_of(layer_of())
    computed.clear()
    model.predict(X, verbose=0)
    assert computed == []


@pytest.mark.clause("VQ-5.7")
@pytest.mark.parametrize("training", [False, True])
def test_losses_that_are_read_late_are_those_of_the_call_with_their_gradient(training):
    layer = layer_of()
    model = model_of(layer)
    with tf.GradientTape() as tape:
        model(X, training=training)
        of_call = model.losses
    gradient = tape.gradient(of_call, layer.emb_space.value)
    expected = quantize(tf.constant(X), {"emb_space": tf.constant(EMB_SPACE)}, layer.quantizer).losses()
    np.testing.assert_array_equal(of_call, list(expected.values()))
    assert (np.abs(gradient).sum(axis=-1) > 0).all()


@pytest.mark.clause("VQ-5.7")
def test_losses_that_are_read_late_belong_to_the_embeddings_at_the_call():
    layer = layer_of()
    expected = [float(loss) for loss in (layer(X), layer.losses)[1]]
    layer(X)
    layer.emb_space.assign(-EMB_SPACE)
    assert [float(loss) for loss in layer.losses] == expected


@pytest.mark.clause("VQ-5.7")
@pytest.mark.parametrize("training", [False, True])
def test_a_layer_called_twice_has_the_losses_of_both_calls_and_none_of_an_earlier_pass(training):
    layer, x = layer_of(), keras.Input((2,))
    model = keras.Model(x, layer(layer(x)))
    for _ in range(2):
        model(X, training=training)
        assert len(model.losses) == len(layer.losses) == 6


class Twice(VectorQuantization):
    """Quantizes twice in one call, and drops out in between."""

    def call(self, x, training=None):  # noqa: D102
        dropped = keras.layers.Dropout(0.5, seed=0)(super().call(x, training=training))
        return super().call(dropped, training=training)


@pytest.mark.clause("VQ-5.7")
def test_a_call_that_goes_on_after_that_of_its_base_is_still_the_same_call():
    layer = Twice(
        3, losses=["alpha", "beta", "coulomb"], replacement=MostDistant(1), start=EMB_SPACE, return_endpoints=False
    )
    layer.build((None, 2))
    layer(X, training=True)
    assert len(layer.losses) == 6
    assert layer.passes_since_replacement == 1


@pytest.mark.clause("VQ-5.7")
def test_losses_of_an_eager_call_may_be_read_in_a_function():
    layer = layer_of()
    layer(X)
    total = tf.function(lambda: tf.add_n(layer.losses))()
    np.testing.assert_array_equal(total, tf.add_n(layer.losses))


@pytest.mark.clause("VQ-5.7")
def test_a_stateless_call_returns_the_losses_and_leaves_none_behind():
    layer = layer_of()
    variables = layer.trainable_variables, layer.non_trainable_variables
    _, _, losses = layer.stateless_call(*variables, tf.constant(X), return_losses=True)
    assert len(losses) == 3
    other = layer_of()
    for _ in range(2):
        other(X, training=True)
        assert len(other.losses) == 3


# The counts


def test_an_inference_counts_once_if_the_losses_are_read_and_else_not():
    layer = layer_of()
    layer(X)
    layer(X)
    assert counted(layer) == [0, 0, 0]
    for _ in range(2):
        assert layer.losses
        assert counted(layer) == [1, 3, 0]


@pytest.mark.parametrize("traced", [lambda model: model, lambda model: lambda x: model(x, training=False)])
def test_a_graph_of_inference_updates_nothing(traced):
    model = model_of(layer_of())
    graph = tf.function(traced(model)).get_concrete_function(tf.TensorSpec([None, 2])).graph
    assert not [op.type for op in graph.get_operations() if "Assign" in op.type]


def test_a_graph_counts_if_the_losses_are_read_in_it_and_not_if_they_are_outside():
    layer = layer_of()
    tf.function(lambda: layer(X))()
    assert layer.losses == []  # those of the graph are of no use out here
    assert counted(layer) == [0, 0, 0]
    evaluate = tf.function(lambda: (layer(X), layer.losses))
    for times in (1, 2):
        evaluate()
        assert counted(layer) == [times, 3 * times, 0]


def test_evaluate_counts_its_own_batches_only():
    layer = layer_of()
    model = model_of(layer)
    model.fit(X, batch_size=4, verbose=0)
    model.predict(X, verbose=0)
    for _ in range(2):
        result = model.evaluate(X, batch_size=2, verbose=0, return_dict=True)
        assert counted(layer) == [1, 3, 0]
    assert result["codebook_usage"] == np.float32(2 / 3)


@UNTRAINED
def test_the_loss_of_an_epoch_is_the_mean_over_its_vectors_of_whatever_batches():
    layer = VectorQuantization(2, start=[[0.0], [8.0]], losses=[Commitment(1.0), Codebook(0.5)], update="gradient")
    layer.trainable = False  # so that the embeddings stay
    model = keras.Sequential([keras.layers.Input((1,)), layer])
    model.compile("sgd", run_eagerly=True)
    x = np.array([[1.0], [3.0], [7.0], [np.nan], [6.0]], np.float32)  # squares 1, 9, 1 and 4, one not finite
    expected = {"commitment_loss": 15 / 4, "codebook_loss": 15 / 8}
    for batch_size in (1, 2, 3, 5):
        logs = model.fit(x, batch_size=batch_size, shuffle=False, verbose=0, validation_data=(x, None)).history
        for name, value in expected.items():
            assert logs[name] == [value]
            assert logs[f"val_{name}"] == [value]


@UNTRAINED
def test_the_share_of_dead_embeddings_is_in_the_logs_where_a_replacement_knows_it():
    rule = DeadCodes(0.5, decay=0.0, number=1, source="most-distant")
    model = keras.Sequential(
        [keras.layers.Input((1,)), VectorQuantization(4, start=[[0], [8], [90], [99]], replacement=rule)]
    )
    model.compile("sgd", run_eagerly=True)
    x = np.array([[0.5], [0.25], [8.0], [8.5]], np.float32)
    logs = model.fit(x, batch_size=4, shuffle=False, verbose=0, validation_data=(x, None)).history
    assert logs["dead_share"] == [0.5]  # of 90 and 99
    assert logs["val_dead_share"] == [0.25]  # one has been replaced
    assert "dead_share" not in model_of(layer_of()).evaluate(X, verbose=0, return_dict=True)


def test_a_picture_that_a_callback_draws_in_the_midst_of_an_epoch_does_not_count():
    layer = layer_of()
    model = model_of(layer)
    drawing = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: model(X))
    model.fit(X, batch_size=2, verbose=0, callbacks=[drawing])
    assert counted(layer) == [1, 3, 0]


# The names

LEAN = {"losses": "alpha"}  # the fewer losses, the faster


class Subclassed(keras.Model):
    """A subclassed model of an inner model, a layer that is called twice, and one of the name of another."""

    def __init__(self):
        super().__init__()
        self.inner = keras.Sequential([keras.layers.Input((2,)), layer_of("a", **LEAN)])
        self.shared, self.last = layer_of("shared", **LEAN), layer_of("a", **LEAN)

    def call(self, x, training=None):
        """Quantize x by all."""
        return self.last(self.shared(self.shared(self.inner(x, training=training))))


def subclassed():
    model = Subclassed()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


def functional():
    x = keras.Input((2,))
    inner = keras.Model(x, layer_of("a", **LEAN)(x))
    model = keras.Model(x, layer_of("b", **LEAN)(inner(x)))
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


def not_built():
    model = keras.Sequential([adversarial_2018(3, name="a", **LEAN), adversarial_2018(3, name="b", **LEAN)])
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: model_of(layer_of("a", **LEAN)), [""]),
        (lambda: model_of(layer_of("a", **LEAN), keras.layers.Rescaling(2.0), layer_of("b", **LEAN)), ["a_", "b_"]),
        (functional, ["a_", "b_"]),
        (not_built, ["a_", "b_"]),
        (subclassed, ["a_", "a_1_", "shared_"]),
    ],
)
def test_the_logs_tell_the_layers_of_a_model_apart_by_name_and_not_a_single_one(build, names):
    model, logs = build(), []
    keeping = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, of_epoch: logs.append(of_epoch))
    model.fit(X, validation_data=(X, None), batch_size=4, verbose=0, callbacks=[keeping])
    quantities = {"loss", *(f"{name}{of}" for name in names for of in ("perplexity", "codebook_usage", "alpha_loss"))}
    assert {*model.metrics_names} == {*model.evaluate(X, verbose=0, return_dict=True)} == quantities
    assert {*logs[0]} == quantities | {f"val_{name}" for name in quantities}
    assert np.isfinite([*logs[0].values()]).all()


def test_an_evaluation_before_any_training_names_the_metrics_as_well():
    model = model_of(layer_of("a", **LEAN), layer_of("b", **LEAN))
    assert "b_perplexity" in model.evaluate(X, verbose=0, return_dict=True)
    assert len(model.evaluate(X, verbose=0)) == 7
