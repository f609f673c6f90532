"""`keras.constraints`: what weights are put back into after an update, by name, with Keras 3's names and defaults."""

from __future__ import annotations

from typing import Any

from ...engine.ops.choice import clip_by_value
from ...engine.ops.nn_activations import relu
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.unary import sqrt, square
from . import backend
from .serialization import registered, resolve, serialize_keras_object

_KIND = "constraints"


class Constraint:
    """A function of a weight that gives what it is set to."""

    _names: tuple[str, ...] = ()

    def __call__(self, w: Any) -> Any:
        """The weight as it may be."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {name: getattr(self, name) for name in self._names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The constraint that `get_config` described."""
        return cls(**config)


def _norm(w: Any, axis: Any) -> Any:
    return sqrt(reduce_sum(square(w), axis=axis, keepdims=True))


@registered(_KIND, "max_norm")
class MaxNorm(Constraint):
    """The norm along an axis (of each neuron's incoming weights, say) is at most `max_value`."""

    _names = ("max_value", "axis")

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = _norm(w, self.axis)
        return w * (clip_by_value(norms, 0.0, self.max_value) / (backend.epsilon() + norms))


@registered(_KIND, "non_neg")
class NonNeg(Constraint):
    """No weight is below zero."""

    def __call__(self, w: Any) -> Any:
        return relu(w)


@registered(_KIND, "unit_norm")
class UnitNorm(Constraint):
    """The norm along an axis is 1."""

    _names = ("axis",)

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (backend.epsilon() + _norm(w, self.axis))


@registered(_KIND, "min_max_norm")
class MinMaxNorm(Constraint):
    """The norm along an axis goes, by `rate` of the way, between `min_value` and `max_value`."""

    _names = ("min_value", "max_value", "rate", "axis")

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = _norm(w, self.axis)
        wanted = self.rate * clip_by_value(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (backend.epsilon() + norms))


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm


def get(identifier: Any) -> Any:
    """The constraint of a name, configuration or class; functions stay, None for None.

    Raises:
        ValueError: the name is unknown.
    """
    return resolve(_KIND, identifier)


def serialize(constraint: Any) -> Any:
    """A constraint's configuration."""
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint of a configuration or name."""
    return resolve(_KIND, config, custom_objects)
