"""What an optimizer keeps for the rows of a weight, and how it starts."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import keras
import tensorflow as tf

from vq_layer.shapes import static_shape

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


def reset_slots(optimizer: keras.optimizers.Optimizer, weight: keras.Variable, replaced: tf.Tensor) -> None:
    """Set the replaced rows of what an optimizer keeps for a weight, ``[n, d]``, to what it starts them with.

    This is read off an optimizer of the same configuration that is built for the weight as it is now. An average of
    the weight starts from the new row. What has no row for each of the weight's, such as the columns' factor of
    Adafactor or the step counter, stays.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        One that trains the weight; see `trains`.
    weight : keras.Variable, shape [n, d]
    replaced : tf.Tensor, shape [n], bool
    """
    slots = dict(_slots(optimizer, weight))
    if not slots:
        return
    longer, fresh = _with_one_more_row(weight), _fresh(optimizer)
    fresh.build([weight, longer])
    starts, of_longer = dict(_slots(fresh, weight)), dict(_slots(fresh, longer))
    starts[AVERAGE] = weight
    for name, slot in slots.items():
        # Where it grows with the weight, it has a row for each of the weight's.
        if name in of_longer and static_shape(of_longer[name])[0] == static_shape(longer)[0]:
            rows = tf.reshape(replaced, [-1] + [1] * (len(static_shape(slot)) - 1))
            slot.assign(tf.where(rows, tf.convert_to_tensor(starts[name]), tf.convert_to_tensor(slot)))


def _with_one_more_row(weight: keras.Variable) -> keras.Variable:
    *scopes, name = weight.path.split("/")
    with ExitStack() as entered:  # the path, too: Muon goes by it
        for scope in scopes:
            entered.enter_context(keras.name_scope(scope))
        n, *others = static_shape(weight)
        return keras.Variable(tf.zeros([n + 1, *others], weight.dtype), name=name)


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
