"""What all parts of a quantizer share: they are frozen, check themselves, and are kept in configurations."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import keras
import tensorflow as tf

from vq_layer import validation

State = dict[str, tf.Tensor]
P = TypeVar("P", bound="Part")
C = TypeVar("C", bound=type)


class Variable(NamedTuple):
    """One tensor of the state that a part keeps.

    Attributes
    ----------
    shape : tuple of int
    dtype : tf.DType
    initial : initializer, its name, or array
        What it starts with; of Keras, or a function of shape and dtype.
    """

    shape: tuple[int, ...]
    dtype: tf.DType
    initial: Any = "zeros"


class Part:
    """A choice that a user makes. Its fields are numbers, names, arrays and other parts."""

    supports_jit: ClassVar[bool] = True  # whether XLA compiles it, and nothing that it asserts is lost
    needs_norm: ClassVar[bool] = False  # whether it takes distances, which a comparison by cosine has not

    def variables(self, n: int, d: int, dtype: tf.DType) -> dict[str, Variable]:
        """Return the state that it keeps beside n embeddings of size d, by name."""
        del n, d, dtype
        return {}

    def check_sizes(self, n: int, d: int | None) -> None:
        """Raise a ValueError where it does not fit n embeddings of size d, which may be unknown."""

    def take_number(self, name: str, rule: str, holds: Callable[[Any], bool]) -> None:
        """Require a field to be a number of which a rule holds, and make it a float."""
        validation.check_number(f"{type(self).__name__}.{name}", getattr(self, name), rule, holds)
        object.__setattr__(self, name, float(getattr(self, name)))

    def take_decay(self) -> None:
        """Require the field `decay` to be what a pass can leave of what was before."""
        self.take_number("decay", "at least 0 and below 1", lambda it: 0 <= it < 1)

    def get_config(self) -> dict[str, Any]:
        """Return the fields, serializable; JSON knows no infinity, which is a name there."""
        return {field.name: _kept(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_config(cls: type[P], config: dict[str, Any]) -> P:
        """Return the part of a configuration."""
        return cls(**{name: _restored(value) for name, value in config.items()})


@dataclass_transform(frozen_default=True)
def part(cls: C) -> C:
    """Make a class a part: a frozen dataclass that Keras finds by its name."""
    frozen: Any = dataclasses.dataclass(frozen=True)(cls)
    return keras.saving.register_keras_serializable(package="vq_layer")(frozen)  # type: ignore[no-any-return]


def number_of(value: Any) -> Any:
    """Return what a configuration keeps as the name of an infinity, and anything else as it is."""
    return float(value) if isinstance(value, str) and value in ("inf", "-inf") else value


def resolved(argument: str, value: Any, kind: type[P], names: Mapping[str, Callable[[], P]]) -> P:
    """Return the part that an argument stands for: a part, its name, class or configuration.

    Raises
    ------
    ValueError, TypeError
        For anything else.
    """
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if isinstance(value, type) and issubclass(value, kind):
        value = value()
    if isinstance(value, kind):
        return value
    known = ", ".join(map(repr, names))
    rule = f"`{argument}` must be a part of the kind {kind.__name__}" + (
        f", or one of the names {known}" if names else ""
    )
    if not isinstance(value, str):
        raise TypeError(f"{rule}. Received: {argument}={value!r}")
    if value not in names:
        raise ValueError(f"{rule}. Received: {argument}={value!r}")
    return names[value]()


def _kept(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    if tf.is_tensor(value):
        raise TypeError(f"a part that holds a tensor cannot be kept in a configuration. Received: {value}")
    return keras.saving.serialize_keras_object(value)


def _restored(value: Any) -> Any:
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
