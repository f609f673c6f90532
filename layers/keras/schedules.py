"""Learning rates that change with the step, as Keras's `optimizers.schedules`."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

from ...engine.dtypes import float32
from ...engine.graph import get_default_graph
from ...engine.ops.array_parts import ones_like
from ...engine.ops.binary import maximum, minimum, pow as power
from ...engine.ops.casting import cast
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import greater
from ...engine.ops.rounding import ceil, floor
from ...engine.ops.trigonometric import cos
from ...engine.ops.unary import log
from .serialization import REGISTER, deserialize_keras_object, serialize_keras_object


class LearningRateSchedule:
    """A learning rate as a function of the step; subclasses define `__call__(step)`, which builds the graph."""

    # The names of the constructor's arguments, which are attributes too.
    settings: tuple[str, ...] = ()

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        raise NotImplementedError(f"Learning rate schedule {type(self).__name__} does not define __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in self.settings}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """A schedule with the constructor's arguments of `config`."""
        return cls(**config)


def _positive(**numbers: Any) -> None:
    for name, value in numbers.items():
        if value <= 0:
            raise ValueError(f"{name} must be positive, got {value}")


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`, in whole powers with staircase=True."""

    settings = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        _positive(decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Any:
        with get_default_graph().name_scope(self.name):
            exponent = cast(step, float32) / self.decay_steps
            exponent = floor(exponent) if self.staircase else exponent
            return self.initial_learning_rate * power(ones_like(exponent) * self.decay_rate, exponent)


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`, in whole parts with staircase=True."""

    settings = ExponentialDecay.settings

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        _positive(decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Any:
        with get_default_graph().name_scope(self.name):
            part = cast(step, float32) / self.decay_steps
            part = floor(part) if self.staircase else part
            return self.initial_learning_rate / (1.0 + self.decay_rate * part)


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and with step `boundaries[i]`, the last value from then on."""

    settings = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[Any], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"There must be one boundary less than values, got {len(boundaries)} boundaries and {len(values)} values"
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Any:
        with get_default_graph().name_scope(self.name):
            number = cast(step, float32)
            rate = ones_like(number) * self.values[0]
            for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
                rate = where_v2(greater(number, float(boundary)), ones_like(number) * value, rate)
            return rate


class PolynomialDecay(LearningRateSchedule):
    """From the first learning rate to `end_learning_rate` in `decay_steps`, along a power of what is left.

    With cycle=True the end moves on to the next multiple of decay_steps.
    """

    settings = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        _positive(decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: Any) -> Any:
        with get_default_graph().name_scope(self.name):
            number = cast(step, float32)
            end: Any = float(self.decay_steps)
            if self.cycle:
                end = end * maximum(ceil(number / end), 1.0)
            left = 1.0 - minimum(number, end) / end
            return (self.initial_learning_rate - self.end_learning_rate) * power(
                left, ones_like(left) * self.power
            ) + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the first learning rate to `alpha` of it, after a linear way to `warmup_target` if given."""

    settings = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _positive(decay_steps=decay_steps)
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        with get_default_graph().name_scope(self.name):
            number = cast(step, float32)
            if self.warmup_target is None:
                return self._decayed(self.initial_learning_rate, number)
            after = self._decayed(self.warmup_target, maximum(number - self.warmup_steps, 0.0))
            if not self.warmup_steps:
                return after
            rise = (self.warmup_target - self.initial_learning_rate) * number / self.warmup_steps
            return where_v2(number < self.warmup_steps, self.initial_learning_rate + rise, after)

    def _decayed(self, start: float, number: Any) -> Any:
        share = minimum(number, float(self.decay_steps)) / self.decay_steps
        return start * ((1.0 - self.alpha) * 0.5 * (1.0 + cos(pi * share)) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another, each `t_mul` as long and beginning at `m_mul` of the one before."""

    settings = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        _positive(first_decay_steps=first_decay_steps)
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        with get_default_graph().name_scope(self.name):
            done = cast(step, float32) / self.first_decay_steps
            if self.t_mul == 1.0:
                restarts = floor(done)
                share = done - restarts
            else:
                restarts = floor(log(1.0 - done * (1.0 - self.t_mul)) / log(ones_like(done) * self.t_mul))
                length = power(ones_like(done) * self.t_mul, restarts)
                share = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
            height = power(ones_like(done) * self.m_mul, restarts)
            decayed = (1.0 - self.alpha) * 0.5 * height * (1.0 + cos(pi * share)) + self.alpha
            return self.initial_learning_rate * decayed


CLASSES: dict[str, type[LearningRateSchedule]] = {
    kind.__name__: kind
    for kind in (
        ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts,
    )
}  # fmt: skip
REGISTER.setdefault("schedules", {}).update(CLASSES)


def serialize(learning_rate_schedule: Any) -> Any:
    """The configuration of a schedule."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule of what `serialize` gave."""
    return deserialize_keras_object(config, custom_objects, "schedules")
