"""What optimizers keep for the rows of an embedding space that a replacement writes over (VQ-11)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vq_layer import Alpha, Beta, Coulomb, MostDistant, ReplaceEmbeddings
from vq_layer.layers.slots import reset_slots
from vq_layer.presets import adversarial_2018

REPLACED = np.array([False, True, False])
NEW = np.array([[7.0, 8.0], [7.0, 8.0], [7.0, 8.0]], np.float32)
GRADIENT = np.array([[0.5, -1.0], [1.0, 2.0], [-0.25, 4.0]], np.float32)

WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
KINDS = [name for name, it in vars(keras.optimizers).items() if isinstance(it, type) and name not in WRAPPERS]
OPTIMIZERS = [
    (name, {}) for name in KINDS if issubclass(getattr(keras.optimizers, name), keras.optimizers.Optimizer)
] + [
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"use_ema": True}),
    ("SGD", {"gradient_accumulation_steps": 3}),
    ("SGD", {"momentum": 0.9, "learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)}),
    ("SGD", {"momentum": 0.9, "learning_rate": lambda: 0.1}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"use_ema": True, "gradient_accumulation_steps": 3}),
    ("Adagrad", {"initial_accumulator_value": 0.5}),
    ("Ftrl", {"initial_accumulator_value": 0.5, "beta": 0.1}),
]
WITH_EACH_OPTIMIZER = pytest.mark.parametrize(
    ("kind", "arguments"), OPTIMIZERS, ids=[f"{kind}-{'-'.join(arguments)}" for kind, arguments in OPTIMIZERS]
)


def weight_of(name, shape=(3, 2)):
    return keras.Variable(np.ones(shape, np.float32), name=name)


def trained(optimizer, *weights, steps=4):
    """Return the optimizer after some steps that move every weight."""
    for _ in range(steps):
        optimizer.apply([tf.ones(weight.shape) for weight in weights], weights)
    return optimizer


def values_of(optimizer):
    return [slot.numpy() for slot in optimizer.variables]


@WITH_EACH_OPTIMIZER
def test_the_replaced_rows_are_as_in_a_fresh_optimizer_and_all_else_stays(kind, arguments):
    weights = weight, _ = weight_of("emb_space"), weight_of("other", (4, 2))
    optimizer = trained(getattr(keras.optimizers, kind)(**arguments), *weights)
    before = values_of(optimizer)
    weight.assign(np.where(REPLACED[:, np.newaxis], NEW, weight))
    reset_slots(optimizer, weight, tf.constant(REPLACED))
    fresh = getattr(keras.optimizers, kind)(**arguments)
    fresh.build(weights)
    for slot, old, start in zip(optimizer.variables, before, values_of(fresh), strict=True):
        if slot.shape[:1] == REPLACED.shape:
            row = NEW[1] if slot.path.endswith("_average") else start[1]  # what the first step sets an average to
            assert not np.array_equal(old[1], row)
            old[1] = row
        np.testing.assert_array_equal(slot, old)


@WITH_EACH_OPTIMIZER
def test_the_next_step_of_a_replaced_row_is_the_first_of_a_fresh_optimizer_but_for_the_step_counter(kind, arguments):
    weight, again = weight_of("emb_space"), weight_of("emb_space")
    optimizer = trained(getattr(keras.optimizers, kind)(**arguments), weight)
    for it in (weight, again):
        it.assign(NEW)
    reset_slots(optimizer, weight, tf.ones([3], tf.bool))
    fresh = getattr(keras.optimizers, kind)(**arguments)
    fresh.build([again])
    for slot, started in zip(optimizer.variables, fresh.variables, strict=True):
        if slot.shape[:1] != (3,):  # what is not of the rows: counters, and the factor of Adafactor's columns
            started.assign(slot)
    for it, variable in ((optimizer, weight), (fresh, again)):
        it.apply([tf.constant(GRADIENT)], [variable])
    assert np.isfinite(weight).all()
    np.testing.assert_array_equal(weight, again)


COPIES = [(kind, arguments) for kind, arguments in OPTIMIZERS if kind == "ScheduleFreeAdamW" or "use_ema" in arguments]


@pytest.mark.parametrize(("kind", "arguments"), COPIES, ids=str)
def test_in_a_function_a_copy_of_the_weight_starts_from_the_row_that_is_there_when_it_runs(kind, arguments):
    weight = weight_of("emb_space")
    optimizer = trained(getattr(keras.optimizers, kind)(**arguments), weight)

    @tf.function
    def replace(rows):
        weight.assign(tf.where(REPLACED[:, np.newaxis], rows, weight))
        reset_slots(optimizer, weight, tf.constant(REPLACED))

    for rows in (NEW, 2 * NEW):
        replace(tf.constant(rows))
        copies = [slot for slot in optimizer.variables if slot.shape == NEW.shape and np.any(slot.numpy()[1])]
        assert len(copies) == 1
        np.testing.assert_array_equal(copies[0][1], rows[1])


def test_the_factor_of_a_column_stays_where_there_are_as_many_columns_as_rows():
    weight = weight_of("emb_space", (3, 3))
    optimizer = trained(keras.optimizers.Adafactor(), weight)
    row, column = (slot for slot in optimizer.variables if len(slot.shape) == 1)
    before = column.numpy()
    reset_slots(optimizer, weight, tf.constant(REPLACED))
    assert (row.numpy() == 0).tolist() == REPLACED.tolist()
    np.testing.assert_array_equal(column, before)


@pytest.mark.parametrize("kind", ["Adam", "Adafactor"])
def test_weights_of_one_name_keep_their_slots_apart(kind):
    weights = weight_of("emb_space"), weight_of("emb_space")
    optimizer = trained(getattr(keras.optimizers, kind)(), *weights)
    reset_slots(optimizer, weights[1], tf.ones([3], tf.bool))
    velocities = [slot.numpy() for slot in optimizer.variables if "velocity" in slot.path]
    assert [velocity.any() for velocity in velocities] == [True, False]


HELD = [lambda it: it, lambda it: [it], lambda it: {"of": (it,)}, keras.optimizers.LossScaleOptimizer]
if hasattr(keras.optimizers, "MultiOptimizer"):  # Keras has it since 3.13
    HELD.append(lambda it: keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(it)))


class WithOptimizersOfItsOwn(keras.Model):
    """A model whose embedding space is trained by an optimizer that is not the one it is compiled with."""

    def __init__(self, **attributes):
        super().__init__()
        self.vq = adversarial_2018(3, losses=[Alpha(), Beta(0.1), Coulomb()], replacement=MostDistant(1), name="vq")
        for name, value in attributes.items():
            setattr(self, name, value)

    def call(self, x, training=None):
        """Quantize x."""
        return self.vq(x, training=training)


def replaced_in(model, *optimizers, batches=1):
    """Train a model by optimizers, replacing after each batch; return which rows of their slots are zero at the end."""
    model(tf.zeros([1, 2]))
    model.vq.emb_space.assign([[0, 0], [4, 0], [-30, 0]])
    callback = ReplaceEmbeddings(every=1)
    callback.set_model(model)
    callback.on_train_begin()
    for batch in range(batches):
        with tf.GradientTape() as tape:
            model(tf.constant([[1.0, 0.5], [1.0, 0.5], [9.0, 0.5]]), training=True)
            loss = tf.add_n(model.losses)
        gradient = tape.gradient(loss, model.vq.emb_space.value)
        for optimizer in optimizers:
            optimizer.apply([gradient], [model.vq.emb_space])
        callback.on_train_batch_end(batch)
    return [[not row.any() for row in slot] for it in optimizers for slot in values_of(it) if slot.shape == (3, 2)]


@pytest.mark.parametrize("held", HELD)
def test_the_callback_finds_an_optimizer_in_an_attribute_of_the_model(held):
    optimizer = keras.optimizers.SGD(momentum=0.9)
    model = WithOptimizersOfItsOwn(its_own=held(optimizer))
    model.compile("adam")
    assert replaced_in(model, optimizer) == [[False, False, True]]


def test_the_callback_resets_in_every_optimizer_that_trains_the_embedding_space():
    optimizers = [keras.optimizers.SGD(momentum=0.9), keras.optimizers.SGD(momentum=0.5)]
    model = WithOptimizersOfItsOwn(of_both=optimizers)
    assert replaced_in(model, *optimizers) == [[False, False, True]] * 2


def test_the_callback_warns_once_if_no_optimizer_that_it_finds_trains_the_embedding_space():
    model = WithOptimizersOfItsOwn()
    model.compile("adam")
    with pytest.warns(UserWarning, match="no optimizer that trains the embedding space of the layer 'vq'") as seen:
        replaced_in(model, keras.optimizers.SGD(momentum=0.9), batches=2)
    assert len(seen) == 1


def test_the_callback_does_not_warn_of_an_optimizer_that_keeps_nothing_of_the_rows():
    model = WithOptimizersOfItsOwn()
    model.compile(keras.optimizers.SGD())
    assert replaced_in(model, model.optimizer) == []


@pytest.mark.slow
@pytest.mark.parametrize("way", [{"run_eagerly": True}, {"jit_compile": False}, {"jit_compile": True}], ids=str)
def test_what_replaces_within_a_step_of_fit_restarts_the_slots_as_one_who_does_so_by_hand(way):
    x = np.array([[1, 0.5], [1, 0.5], [9, 0.5]], np.float32)
    start = np.array([[0, 0], [4, 0], [-30, 0]], np.float32)

    def layer_of(every):
        return adversarial_2018(3, start=start, losses=[Alpha(), Beta(0.1)], replacement=MostDistant(1, every))

    model = keras.Sequential([keras.Input((2,)), layer_of(2)])
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9), **way)
    model.fit(x, epochs=3, batch_size=3, verbose=0)
    layer, optimizer = layer_of(None), keras.optimizers.SGD(0.5, momentum=0.9)
    layer.build((None, 2))
    optimizer.build([layer.emb_space])
    for number in (1, 2, 3):
        with tf.GradientTape() as tape:
            layer(x, training=True)
            loss = tf.add_n(layer.losses)
        if number == 2:
            reset_slots(optimizer, layer.emb_space, layer.replace_embeds())
        optimizer.apply([tape.gradient(loss, layer.emb_space.value)], [layer.emb_space])
    # A step is of other rounding by XLA: sums of three terms, and as many steps.
    np.testing.assert_allclose(model.layers[0].emb_space, layer.emb_space, rtol=1e-5)
    np.testing.assert_allclose(model.optimizer.variables[-1], optimizer.variables[-1], rtol=1e-5)
