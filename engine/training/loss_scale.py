"""Training in 16 bits: the switch for a program, and loss scales, by which float16 keeps gradients that are almost zero."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

from ..assignments import assign
from ..conversion import convert_to_tensor
from ..dtypes import float32, int64
from ..graph import Operation, Tensor, get_default_graph
from ..ops.binary import maximum
from ..ops.casting import cast
from ..ops.choice import where
from ..ops.comparison import logical_and
from ..ops.cond import cond
from ..ops.control import no_op
from ..ops.grouping import group_operations
from ..ops.reduce import reduce_all
from ..ops.rounding import is_finite, logical_not
from ..scopes import init_scope
from ..session_config import DEFAULTS
from ..tensor_types import IndexedSlices
from ..variables import Variable
from .optimizer import GradientsAndVariables, Optimizer

_POLICY = {"float32": "float32", "mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class LossScale(ABC):
    """By what a loss is multiplied before its gradients are taken, as TensorFlow 1.15's `tf.train.experimental.LossScale`."""

    @abstractmethod
    def __call__(self) -> Tensor:
        """The scale, a float32 scalar."""

    @abstractmethod
    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        """An operation that settles the next scale by a step's gradients, and whether they are to be applied."""

    @abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The arguments that it was made with."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossScale:
        """One made with what `get_config` gave."""
        return cls(**config)


class FixedLossScale(LossScale):
    """A scale that stays.

    Raises:
        ValueError: it is less than one, or not finite.
    """

    def __init__(self, loss_scale_value: float) -> None:
        self._value = float(loss_scale_value)
        if not 1 <= self._value < math.inf:
            raise ValueError(f"loss_scale_value must be a finite number of at least 1, got {loss_scale_value}")

    def __call__(self) -> Tensor:
        return convert_to_tensor(self._value, float32)

    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        del grads
        return no_op(), True

    def get_config(self) -> dict[str, Any]:
        return {"loss_scale_value": self._value}


class DynamicLossScale(LossScale):
    """A scale that is multiplied after so many steps with finite gradients, and divided after each step with others.

    Args:
        initial_loss_scale: the first scale; too large is better than too small.
        increment_period: after how many steps without infinity or NaN it grows.
        multiplier: by what it grows, and shrinks, but never below one.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default():
        ...     scale = tf.train.experimental.DynamicLossScale(initial_loss_scale=8, increment_period=2)
        ...     update, apply = scale.update([tf.constant([1.0, float("inf")])])
        ...     with tf.Session() as sess:
        ...         sess.run(tf.global_variables_initializer())
        ...         print(sess.run([apply, update])[0], sess.run(scale()))
        False 4.0
    """

    def __init__(
        self, initial_loss_scale: float = 2**15, increment_period: int = 2000, multiplier: float = 2.0
    ) -> None:
        given = initial_loss_scale, increment_period, multiplier
        numbers = all(isinstance(number, Real) and math.isfinite(number) for number in given)
        if not (numbers and initial_loss_scale >= 1 and increment_period >= 1 and multiplier > 1):
            raise ValueError(
                "expected initial_loss_scale >= 1, increment_period >= 1 and multiplier > 1, got "
                f"{initial_loss_scale!r}, {increment_period!r} and {multiplier!r}"
            )
        if int(increment_period) != increment_period:
            raise ValueError(f"increment_period must be a number of steps, got {increment_period!r}")
        self._initial, self._period, self._multiplier = (
            float(initial_loss_scale),
            int(increment_period),
            float(multiplier),
        )
        self._variables: dict[Any, tuple[Variable, Variable]] = {}

    @property
    def initial_loss_scale(self) -> float:
        """The first scale."""
        return self._initial

    @property
    def increment_period(self) -> int:
        """After how many good steps the scale grows."""
        return self._period

    @property
    def multiplier(self) -> float:
        """By what it grows and shrinks."""
        return self._multiplier

    def __call__(self) -> Tensor:
        return convert_to_tensor(self._made()[0])

    def _made(self) -> tuple[Variable, Variable]:
        """The scale and the number of good steps since it changed, in the default graph."""
        with init_scope():
            graph = get_default_graph()
            if graph not in self._variables:
                scale = Variable(self._initial, name="current_loss_scale", dtype=float32, trainable=False)
                good = Variable(0, name="good_steps", dtype=int64, trainable=False)
                self._variables[graph] = scale, good
            return self._variables[graph]

    def update(self, grads: Sequence[Any]) -> tuple[Operation, Any]:
        scale, good = self._made()
        finite = all_finite(grads)
        steps, grown = convert_to_tensor(good) + 1, scale * self._multiplier
        full = steps >= self._period
        grows = where(logical_and(full, is_finite(grown)), grown, convert_to_tensor(scale))
        new_scale = where(finite, grows, maximum(scale / self._multiplier, 1.0))
        new_steps = where(logical_and(finite, logical_not(full)), steps, cast(0, int64))
        return group_operations([assign(scale, new_scale).op, assign(good, new_steps).op]), finite

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_loss_scale": self._initial,
            "increment_period": self._period,
            "multiplier": self._multiplier,
        }


def all_finite(grads: Sequence[Any]) -> Tensor:
    """Whether no gradient has an infinity or NaN; those that are None do not count."""
    values = [g.values if isinstance(g, IndexedSlices) else g for g in grads if g is not None]
    return reduce_all([reduce_all(is_finite(value)) for value in values])


def loss_scale_of(given: Any) -> LossScale:
    """A loss scale from one, a number, or "dynamic".

    Raises:
        ValueError: it is something else.
    """
    if isinstance(given, LossScale):
        return given
    if given == "dynamic":
        return DynamicLossScale()
    if isinstance(given, int | float) and not isinstance(given, bool):
        return FixedLossScale(given)
    raise ValueError(f'loss_scale must be a LossScale, a number or "dynamic", got {given!r}')


class MixedPrecisionLossScaleOptimizer(Optimizer):
    """Another optimizer on a scaled loss, as TensorFlow 1.15's optimizer of this name in `tf.train.experimental`.

    The gradients are divided by the scale again; where one is not finite, the step changes nothing but the scale.

    Args:
        opt: the optimizer.
        loss_scale: a LossScale, a number, or "dynamic".
    """

    def __init__(self, opt: Optimizer, loss_scale: Any) -> None:
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt)}')
        super().__init__(False, type(self).__name__)
        self._optimizer = opt
        self._loss_scale = loss_scale_of(loss_scale)

    def compute_gradients(
        self, loss: Any, var_list: Any = None, *arguments: Any, **options: Any
    ) -> GradientsAndVariables:
        loss = loss() if callable(loss) else loss
        scale = self._loss_scale()
        scaled = loss * cast(scale, loss.dtype)
        pairs = self._optimizer.compute_gradients(scaled, var_list, *arguments, **options)
        return [(_divided(gradient, scale), variable) for gradient, variable in pairs]

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: str | None = None
    ) -> Operation:
        pairs = list(grads_and_vars)
        update, should_apply = self._loss_scale.update([gradient for gradient, _ in pairs])

        def apply() -> Operation:
            return self._optimizer.apply_gradients(pairs, global_step, name)

        if should_apply is True:
            return group_operations([apply(), update], name)
        return group_operations([cond(should_apply, apply, no_op), update], name)

    def get_slot(self, var: Any, name: str) -> Any:
        return self._optimizer.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        return self._optimizer.get_slot_names()

    def variables(self) -> list[Any]:
        return self._optimizer.variables()


def _divided(gradient: Any, scale: Tensor) -> Any:
    if gradient is None:
        return None
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(_divided(gradient.values, scale), gradient.indices, gradient.dense_shape)
    return gradient / cast(scale, gradient.dtype)


def enable_mixed_precision_graph_rewrite(
    opt: Optimizer, loss_scale: Any = "dynamic"
) -> MixedPrecisionLossScaleOptimizer:
    """`opt` with a loss scale, for sessions whose products are float16: all that are made from now on.

    As TensorFlow 1.15's `tf.train.experimental.enable_mixed_precision_graph_rewrite`, for CPUs too.

    Raises:
        ValueError: `opt` is no optimizer, or has a loss scale already.
    """
    if isinstance(opt, MixedPrecisionLossScaleOptimizer):
        raise ValueError('"opt" must not already be an instance of a MixedPrecisionLossScaleOptimizer')
    scaled = MixedPrecisionLossScaleOptimizer(opt, loss_scale)
    DEFAULTS.mixed_precision = "float16"
    return scaled


def disable_mixed_precision_graph_rewrite() -> None:
    """Sessions that are made from now on compute products in their operands' dtype."""
    DEFAULTS.mixed_precision = "float32"


def set_policy(policy: str) -> None:
    """How products are computed in all sessions that are made from now on: Keras's models and estimators too.

    Args:
        policy: "mixed_bfloat16", "mixed_float16" or "float32". Variables are float32 in any case.

    Raises:
        ValueError: there is no such policy.
    """
    if policy not in _POLICY:
        raise ValueError(f"policy must be one of {', '.join(map(repr, _POLICY))}, got {policy!r}")
    DEFAULTS.mixed_precision = _POLICY[policy]


def global_policy() -> str:
    """The policy that is in force: see `set_policy`."""
    return next((name for name, kind in _POLICY.items() if kind == DEFAULTS.mixed_precision), "float32")
