"""Small eager inferences that are made again and again are programs, of which nobody notices but by the time."""

import copy
import gc
import pickle
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import vq_layer
from vq_layer import Alpha, Beta, Codebook, Commitment, Coulomb, VectorQuantization
from vq_layer.kernels import tuning
from vq_layer.kernels.tuning import Tuning
from vq_layer.layers import programs
from vq_layer.layers.observed import observing
from vq_layer.parts import losses
from vq_layer.parts.losses import Loss
from vq_layer.parts.part import part

RNG = np.random.default_rng(0)
X = tf.constant(RNG.standard_normal([3, 4, 6]).astype(np.float32))
WITH_NAN = tf.constant(np.where(np.arange(72).reshape(3, 4, 6) == 7, np.nan, X.numpy()))
MASK = tf.constant(RNG.random([3, 4]) > 0.3)
OF_2018 = [Alpha(0.1), Beta(0.2), Coulomb(0.3)]
FUNCTIONS = ("alpha_loss", "beta_loss_of_sum", "coulomb_loss")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Build a program for the second call of a signature."""
    monkeypatch.setattr(programs, "CALLS", 1)


@pytest.fixture
def ran(monkeypatch):
    """Return a list of what programs have been run for so far."""
    names = []

    def recorded(name, method):
        return lambda *arguments: names.append(name) or method(*arguments)

    for name in ("layer_out", "told"):
        monkeypatch.setattr(programs.Program, name, recorded(name, getattr(programs.Program, name)))
    return names


def layer_of(n=5, **arguments):
    layer = VectorQuantization(n, **{"losses": OF_2018, "update": "gradient", "start": "random_normal", **arguments})
    layer.build((None, 6))
    return layer


def cosine():
    layer = vq_layer.CosineVectorQuantization(5, start="random_normal")
    layer.build((None, 6))
    return layer


def rotation(**arguments):
    return layer_of(losses=[Commitment(), Codebook()], estimator="rotation", **arguments)


def gradients(tape, value, sources):
    found = tape.gradient(value, sources)
    return [None if it is None else tf.convert_to_tensor(it).numpy() for it in found]


def found_by(layer, x, mask=None):
    """Return all that a call gives, as arrays by name, None where there is none."""
    for metric in layer.metrics:
        metric.reset_state()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        layer_out = layer(x, mask=mask)
        of_call = layer.losses
        loud = layer_out * layer_out
    slopes = [gradients(tape, it, [x, layer.emb_space.value]) for it in (layer_out, loud, *of_call)]
    return {"layer_out": layer_out, "losses": of_call, "told": layer.told, "slopes": slopes}


def assert_same(one, other, **tolerance):
    for of_one, of_other in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        assert (of_one is None) == (of_other is None)
        if of_one is not None:
            np.testing.assert_allclose(of_one, of_other, **{"rtol": 1e-6, "atol": 1e-7, **tolerance})


LAYERS = {
    "2018": layer_of,
    "defaults": lambda: layer_of(
        losses=Commitment(), update=vq_layer.MovingAverage(), replacement=vq_layer.DeadCodes()
    ),
    "per split": lambda: layer_of(comparison="l1", num_splits=2, codebooks="per-split"),
    "rotation": rotation,
    "no gradient": lambda: layer_of(losses=Commitment(), estimator="none"),
    "half": lambda: layer_of(dtype="mixed_float16", losses=[*OF_2018, Commitment()]),
    "cosine": cosine,
}


# What a program gives


@pytest.mark.parametrize("made", LAYERS.values(), ids=LAYERS)
def test_a_later_call_gives_what_the_first_gave(made, ran):
    layer = made()
    x = tf.cast(WITH_NAN, layer.compute_dtype)
    first = found_by(layer, x, MASK)
    assert ran == []
    second, third = found_by(layer, x, MASK), found_by(layer, x, MASK)
    assert ran.count("layer_out") == 2
    np.testing.assert_array_equal(first["layer_out"], third["layer_out"])
    assert_same(first, second)
    assert_same(second, third, rtol=0, atol=0)


@pytest.mark.long
@pytest.mark.parametrize("made", [layer_of, rotation], ids=["2018", "rotation"])
def test_a_later_call_has_the_second_derivatives_of_the_first(made):
    layer, x = made(dtype="float64"), tf.cast(X, tf.float64)

    def second_derivatives():
        sources = [x, layer.emb_space.value]
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = tf.cast(tf.reduce_sum(layer(x) ** 2), tf.float32) + tf.add_n(layer.losses)
            slopes = [tf.convert_to_tensor(it) for it in inner.gradient(total, sources)]
            loud = tf.add_n([tf.reduce_sum(it * it) for it in slopes])
        return gradients(outer, loud, sources)

    assert_same(second_derivatives(), second_derivatives())


@pytest.mark.long
def test_a_later_call_has_the_jacobian_of_the_first():
    layer = layer_of()

    def jacobian():
        with tf.GradientTape() as tape:
            layer(X)
            of_call = tf.stack(layer.losses)
        return tape.jacobian(of_call, layer.emb_space.value)

    assert_same(jacobian(), jacobian())


@pytest.mark.long
def test_a_later_call_has_the_forward_derivatives_of_the_first():
    layer = layer_of()

    def forward(source):
        with tf.autodiff.ForwardAccumulator(source, tf.ones_like(source)) as accumulator:
            outputs = [layer(X), *layer.losses]
        return [accumulator.jvp(it) for it in outputs]

    sources = [X, layer.emb_space.value]
    expected = [forward(source) for source in sources]
    for _ in range(2):
        layer(X)
    assert_same([forward(source) for source in sources], expected)


def test_a_later_call_follows_the_weights(ran):
    layer, other = layer_of(), layer_of()
    for _ in range(2):
        layer(X)
        assert len(layer.losses) == 3
    layer.emb_space.assign(other.emb_space)
    assert_same([layer(X), layer.losses], [other(X), other.losses])
    assert ran == ["layer_out", "told"] * 2


def test_losses_that_are_read_late_are_those_of_the_call(ran):
    layer = layer_of()
    layer(X)
    expected = layer.losses
    layer(X)
    layer.emb_space.assign(-layer.emb_space)
    np.testing.assert_allclose(layer.losses, expected, rtol=1e-6)
    total = tf.function(lambda: tf.add_n(layer.losses))
    assert float(total()) == pytest.approx(float(tf.add_n(expected)))
    assert ran == ["layer_out", "told"]
    assert layer.access_counts[0].numpy().sum() == 24


def test_a_call_with_another_shape_or_mask_is_another_program(ran):
    layer = layer_of()
    calls = [(X, None), (X, MASK), (X[:2], None), (X[:, 0], None), (X, MASK[:, 0]), (X, ~MASK)]
    expected = [layer(x, mask=mask) for x, mask in calls]
    assert len(ran) == 1  # with the same kind of mask as before
    assert_same([layer(x, mask=mask) for x, mask in calls], expected, rtol=0, atol=0)
    assert len(ran) == 1 + len(calls)


@pytest.mark.long
def test_training_in_between_changes_what_a_later_call_gives(ran):
    layer = layer_of(losses=Commitment(), update=vq_layer.MovingAverage())
    for _ in range(2):
        layer(X)
    layer(X, training=True)
    np.testing.assert_array_equal(layer(X), layer.decode(layer.encode(X)))
    assert ran == ["layer_out"] * 2


# What is computed


def test_a_program_computes_no_loss_until_they_are_read_and_then_each_once(monkeypatch):
    computed = []
    for name in FUNCTIONS:
        function = getattr(losses, name)
        recorded = lambda *arguments, name=name, function=function: computed.append(name) or function(*arguments)  # noqa: E731
        monkeypatch.setattr(losses, name, recorded)
    layer = layer_of()
    for _ in range(3):
        layer(X)
    assert computed == []
    for _ in range(3):
        layer(X)
        assert len(layer.losses) == 3
        assert computed == [*FUNCTIONS]  # while the program is built


def test_an_inference_counts_only_if_the_losses_are_read(ran):
    layer = layer_of()
    for _ in range(3):
        layer(X)
    assert layer.access_counts[0].numpy().sum() == 0
    for _ in range(2):
        assert len(layer.losses) == 3
        assert layer.access_counts[0].numpy().sum() == 12
    assert ran == ["layer_out", "layer_out", "told"]


def test_a_layer_keeps_few_programs_and_those_that_it_was_asked_for_last(monkeypatch, ran):
    monkeypatch.setattr(programs, "KEPT", 2)
    layer = layer_of()
    for number in (1, 1, 2, 2, 1, 3, 3, 1):  # 2 is the one that was asked for longest ago when 3 comes
        layer(X[:number])
        assert len(layer._programs._kept) <= 2
    assert len(ran) == 5
    layer(X[:2])
    assert len(ran) == 5


def test_a_program_goes_with_its_layer():
    layer = layer_of()
    for _ in range(2):
        layer(X)
        assert len(layer.losses) == 3
    ((_, program),) = layer._programs._kept.values()
    gone = weakref.ref(layer), weakref.ref(program)
    del layer, program
    gc.collect()
    assert [it() for it in gone] == [None, None]


# What is no program


@part
class Own(Loss):
    """A loss that counts its calls."""

    weight: float = 1.0
    name = "own_loss"

    def weighted(self, it, weight):
        """Return a number that nobody can foresee."""
        calls.append(it)
        return weight * len(calls)


calls = []


@pytest.mark.parametrize(
    "arguments",
    [
        {"losses": Alpha(tf.constant(0.5))},
        {"losses": Own()},
        {"return_endpoints": True},
        {"comparison": vq_layer.PCA(components=2)},
    ],
    ids=["tensor", "own", "endpoints", "assertion"],
)
def test_what_may_change_or_fail_is_no_program(arguments, ran):
    layer = layer_of(**arguments)
    for _ in range(3):
        layer(X)
    assert ran == []


def test_a_part_that_may_assert_is_not_pure(monkeypatch):
    quantizer = layer_of().quantizer
    assert programs.is_pure(quantizer)
    monkeypatch.setattr(vq_layer.Norm, "supports_jit", False)
    assert not programs.is_pure(quantizer)


def test_a_weight_that_is_a_variable_is_followed():
    weight = tf.Variable(1.0)
    layer = layer_of(losses=Alpha(weight))
    for expected in (1, 2, 3):
        weight.assign(expected)
        layer(X)
        if expected == 1:
            (unit,) = layer.losses
        np.testing.assert_allclose(layer.losses, [expected * unit], rtol=1e-6)


def test_a_loss_of_ones_own_is_computed_in_each_call():
    layer = layer_of(losses=Own())
    for _ in range(3):
        layer(X)
        assert float(layer.losses[0]) == len(calls)


def test_a_program_stops_where_anything_else_is_asked_of_the_call(monkeypatch, ran):
    layer = layer_of()
    for _ in range(2):
        layer(X)
    ran.clear()
    with observing() as passes:
        layer(X)
    assert len(passes) == 1
    with tf.distribute.OneDeviceStrategy("/CPU:0").scope():
        layer(X)
    tf.config.run_functions_eagerly(True)
    try:
        layer(X)
    finally:
        tf.config.run_functions_eagerly(False)
    tf.debugging.enable_check_numerics()
    try:
        layer(X)
    finally:
        tf.debugging.disable_check_numerics()
    monkeypatch.setattr(tuning, "TUNING", Tuning(small=5 * 72 - 1))
    for _ in range(2):
        layer(X)
    assert ran == []
    monkeypatch.setattr(tuning, "TUNING", Tuning(small=5 * 72))
    layer(X)
    assert ran == []  # the first of its kind
    layer(X)
    assert ran == ["layer_out"]


@pytest.mark.long
def test_a_program_stops_where_another_compilation_is_forced(ran):
    layer = layer_of()
    expected = layer(X)
    vq_layer.set_compilation("compiled")
    np.testing.assert_array_equal(layer(X), expected)
    assert ran == []
    vq_layer.set_compilation("auto")
    np.testing.assert_array_equal(layer(X), expected)
    assert ran == ["layer_out"]


def test_an_error_is_that_of_the_first_call():
    layer, of_keras = layer_of(), tf.identity(X)
    of_keras._keras_mask = MASK[:2]
    calls = [(X[..., :5], {}), (tf.cast(X, tf.int32), {}), (X, {"mask": MASK[:2]}), (X, {"mask": X}), (of_keras, {})]

    def refused():
        found = []
        for x, how in calls:
            with pytest.raises((ValueError, TypeError)) as error:
                layer(x, **how)
            found.append((error.type, str(error.value)))
        return found

    first = refused()
    for _ in range(3):
        layer(X, mask=MASK)
        layer(X, mask=MASK[:, 0])
    assert refused() == first


# Copies


@pytest.mark.long
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), keras.models.clone_model],
    ids=["deepcopy", "pickle", "clone"],
)
def test_a_model_is_copied_as_ever(copied, ran):
    layer = layer_of()
    model = keras.Sequential([keras.layers.Input((4, 6)), layer])
    for _ in range(3):
        model(X)
    assert len(ran) > 1
    again = copied(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X), model(X))
    assert again.layers[0]._programs is not layer._programs


@pytest.mark.long
def test_a_model_is_exported_as_ever(tmp_path, ran):
    model = keras.Sequential([keras.layers.Input((4, 6)), layer_of()])
    for _ in range(3):
        model(X)
    ran.clear()
    model.export(tmp_path, verbose=False)
    assert ran == []
    exported = tf.saved_model.load(tmp_path)
    np.testing.assert_array_equal(exported.serve(X), model(X))
