"""What an optimizer keeps for the rows of a weight, and how it starts."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from vq_layer.layers.on_demand import flattened
from vq_layer.shapes import static_shape
from vq_layer.tracing import as_it_stands

T = TypeVar("T")
AVERAGE = "_model_variables_moving_average"  # of the weights, which an optimizer of Keras keeps with `use_ema`


def optimizers_of(holders: Sequence[Any]) -> list[keras.optimizers.Optimizer]:
    """Return the optimizers in the attributes of models, and those that these wrap, each once.

    An attribute may also hold a list or a dictionary of them.
    """
    found: dict[int, keras.optimizers.Optimizer] = {}
    waiting = list(holders)
    while waiting:
        for attribute in vars(waiting.pop()).values():
            for value in _leaves(attribute):
                if isinstance(value, keras.optimizers.Optimizer) and id(value) not in found:
                    found[id(value)] = value
                    waiting.append(value)
    return list(found.values())


def trains(optimizer: keras.optimizers.Optimizer, weight: keras.Variable) -> bool:
    """Tell whether an optimizer was built for a weight."""
    return any(trained is weight for trained in _trained_by(optimizer))


@as_it_stands
def reset_slots(optimizer: keras.optimizers.Optimizer, weight: keras.Variable, replaced: tf.Tensor) -> None:
    """Set the replaced rows of what an optimizer keeps for a weight to what it starts them with.

    Eagerly, or in the function that makes a step. This is read off an optimizer of the same configuration that is built
    for the weight as it is now. An average of the weight starts from the new row, as does a copy (ScheduleFreeAdamW).
    What has no row for each of the weight's, such as the columns' factor of Adafactor or the step counter, stays.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        One that trains the weight; see `trains`.
    weight : keras.Variable, shape [..., n, d]
    replaced : tf.Tensor, shape [..., n], bool
    """
    slots = dict(_slots(optimizer, weight))
    if not slots:
        return
    starts = _eagerly(_starts, optimizer, weight)
    for name, slot in slots.items():
        if name in starts:
            axes = len(static_shape(slot)) - len(static_shape(replaced))
            rows = tf.reshape(replaced, [*static_shape(replaced), *[1] * axes])
            slot.assign(tf.where(rows, tf.cast(starts[name], slot.dtype), tf.convert_to_tensor(slot)))


def reset_within(model: keras.layers.Layer, weight: keras.Variable, replaced: tf.Tensor) -> None:
    """Reset the replaced rows of all optimizers of a model, or of its layers, that train a weight, as `reset_slots`."""
    for optimizer in optimizers_of(flattened(model)):
        if trains(optimizer, weight):
            reset_slots(optimizer, weight, replaced)


def _starts(optimizer: keras.optimizers.Optimizer, weight: keras.Variable) -> dict[str, Any]:
    """Return what an optimizer starts the slots with that have a row for each of a weight's, by their names.

    The weight itself stands for a copy, of what it is when it is read: this may be called long before, by what traces.
    """
    longer, fresh = _with_one_more_row(weight), _fresh(optimizer)
    fresh.build([weight, longer])
    of_longer = dict(_slots(fresh, longer))
    starts: dict[str, Any] = {}
    for name, slot in _slots(fresh, weight):
        if name == AVERAGE or (name in of_longer and np.array_equal(of_longer[name], longer)):
            starts[name] = weight
        elif name in of_longer and static_shape(of_longer[name])[0] == static_shape(longer)[0]:
            it = np.asarray(slot)  # one number in the place of a large constant, where all are equal
            starts[name] = it.flat[0] if it.size and (it == it.flat[0]).all() else it
    return starts


def _eagerly(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that creates variables, which one that is being traced may not: in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def _with_one_more_row(weight: keras.Variable) -> keras.Variable:
    """Return a variable like a weight, but longer, and of values that no optimizer starts a slot with but as a copy."""
    *scopes, name = weight.path.split("/")
    with ExitStack() as entered:  # the path, too: Muon goes by it
        for scope in scopes:
            entered.enter_context(keras.name_scope(scope))
        n, *others = static_shape(weight)
        shape = [n + 1, *others]
        return keras.Variable(tf.reshape(tf.range(1, math.prod(shape) + 1, dtype=weight.dtype), shape), name=name)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what is in lists, tuples and dictionaries, whose keys `keras.tree` wants sorted."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _fresh(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    with warnings.catch_warnings():  # that a learning rate is a lambda, which matters here to none
        warnings.simplefilter("ignore")
        config = optimizer.get_config()
    if "learning_rate" in config:
        config["learning_rate"] = 0.0  # nothing starts with it, and not every function of the step can be copied
    return type(optimizer).from_config(config)


def _slots(optimizer: keras.optimizers.Optimizer, weight: keras.Variable) -> Iterator[tuple[str, keras.Variable]]:
    """Yield the variables, not scalars, that an optimizer keeps for a weight, by the attribute that lists them.

    Names do not tell them apart: layers of two models may bear one, and Adafactor uses the last part of it. But an
    optimizer keeps its slots in lists in the order of the weights.
    """
    trained = _trained_by(optimizer)
    place = next(place for place, other in enumerate(trained) if other is weight)
    for name, values in vars(optimizer).items():
        if isinstance(values, list) and len(values) == len(trained):
            slot = values[place]
            if isinstance(slot, keras.Variable) and slot is not weight and len(static_shape(slot)) > 0:
                yield name, slot


def _trained_by(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    trained: list[keras.Variable] = optimizer._trainable_variables  # nothing public tells what it was built for
    return trained
