"""Learning rates that fall as training goes on: tensors of the global step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..conversion import convert_to_tensor
from ..graph import Tensor, get_default_graph
from ..ops.binary import minimum, pow
from ..ops.casting import cast
from ..ops.choice import where
from ..ops.comparison import equal, less_equal
from ..ops.cond import cond
from ..ops.random import random_normal
from ..ops.rounding import ceil, floor
from ..ops.trigonometric import cos
from ..ops.unary import exp, log, sqrt


def _decayed(learning_rate: Any, global_step: Any, name: str, function: str, build: Callable[..., Any]) -> Tensor:
    """`build(rate, step, number)` in a name scope; `number` makes a tensor of the rate's dtype."""
    if global_step is None:
        raise ValueError(f"global_step is required for {function}.")
    with get_default_graph().name_scope(name):
        rate = convert_to_tensor(learning_rate, name="learning_rate")
        dtype = rate.dtype.base_dtype

        def number(value: Any) -> Tensor:
            tensor: Tensor = cast(convert_to_tensor(value), dtype)
            return tensor

        result: Tensor = build(rate, number(global_step), number)
        return result


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate * decay_rate ** (global_step / decay_steps)`; with `staircase` the exponent is an integer.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     print(sess.run(tf.train.exponential_decay(1.0, 20, 10, 0.5)))
        0.25
    """

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        part = step / number(decay_steps)
        return rate * pow(number(decay_rate), floor(part) if staircase else part)

    return _decayed(learning_rate, global_step, name or "ExponentialDecay", "exponential_decay", build)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Tensor:
    """`values[0]` up to and with `boundaries[0]`, `values[1]` up to `boundaries[1]`, ..., then the last value.

    Args:
        x: a scalar tensor, such as the global step.
        boundaries: increasing numbers or tensors of x's dtype.
        values: one more than boundaries, all of one dtype.

    Raises:
        ValueError: the lengths or dtypes do not fit.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with get_default_graph().name_scope(name or "PiecewiseConstant"):
        step = convert_to_tensor(x)
        limits = [_boundary(b, step) for b in boundaries]
        levels = [convert_to_tensor(v) for v in values]
        if any(v.dtype.base_dtype != levels[0].dtype.base_dtype for v in levels):
            raise ValueError(f"Values must have elements all with the same dtype ({[v.dtype.name for v in levels]}).")
        result = levels[-1]
        for limit, level in zip(reversed(limits), reversed(levels[:-1]), strict=True):
            result = where(less_equal(step, limit), level, result)
        return result


def _boundary(value: Any, step: Tensor) -> Tensor:
    limit = convert_to_tensor(value)
    kind, wanted = limit.dtype.base_dtype, step.dtype.base_dtype
    if kind != wanted:
        # Python's numbers follow the step where nothing is lost.
        if not (kind.is_integer and (wanted.is_integer or wanted.is_floating)):
            raise ValueError(f"Boundaries ({kind.name}) must have the same dtype as x ({wanted.name}).")
        limit = cast(limit, wanted)
    return limit


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Tensor:
    """From `learning_rate` to `end_learning_rate` in `decay_steps`, by `(1 - step / decay_steps) ** power`.

    With `cycle` the steps are stretched to the next multiple of `decay_steps` in place of stopping.
    """

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        steps, end = number(decay_steps), number(end_learning_rate)
        if cycle:
            steps = steps * where(equal(step, number(0)), number(1.0), ceil(step / steps))
        else:
            step = minimum(step, steps)
        return (rate - end) * pow(1 - step / steps, number(power)) + end

    return _decayed(learning_rate, global_step, name or "PolynomialDecay", "polynomial_decay", build)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate * exp(-decay_rate * global_step / decay_steps)`."""

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        part = step / number(decay_steps)
        return rate * exp(-number(decay_rate) * (floor(part) if staircase else part))

    return _decayed(learning_rate, global_step, name or "NaturalExpDecay", "natural_exp_decay", build)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate / (1 + decay_rate * global_step / decay_steps)`."""

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        part = step / number(decay_steps)
        return rate / (1 + number(decay_rate) * (floor(part) if staircase else part))

    return _decayed(learning_rate, global_step, name or "InverseTimeDecay", "inverse_time_decay", build)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Tensor:
    """Half a cosine from `learning_rate` to `alpha * learning_rate` (Loshchilov and Hutter 2016)."""

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        steps = number(decay_steps)
        return rate * ((1 - alpha) * _half_cosine(minimum(step, steps) / steps) + alpha)

    return _decayed(learning_rate, global_step, name or "CosineDecay", "cosine_decay", build)


def _half_cosine(part: Tensor) -> Tensor:
    result: Tensor = 0.5 * (1.0 + cos(part * math.pi))
    return result


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: Any = 2.0,
    m_mul: Any = 1.0,
    alpha: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """`cosine_decay` that starts again and again: each period `t_mul` times as long, from `m_mul` times the rate."""

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        part = step / number(first_decay_steps)
        longer, lower = number(t_mul), number(m_mul)
        if isinstance(t_mul, int | float):
            restart, part = _equal_periods(part) if t_mul == 1 else _growing_periods(part, longer)
        else:
            restart, part = cond(
                equal(longer, number(1.0)), lambda: _equal_periods(part), lambda: _growing_periods(part, longer)
            )
        return rate * ((1 - alpha) * (pow(lower, restart) * _half_cosine(part)) + alpha)

    return _decayed(learning_rate, global_step, name or "SGDRDecay", "cosine decay restarts", build)


def _equal_periods(part: Tensor) -> tuple[Tensor, Tensor]:
    restart = floor(part)
    return restart, part - restart


def _growing_periods(part: Tensor, longer: Tensor) -> tuple[Tensor, Tensor]:
    restart = floor(log(1.0 - part * (1.0 - longer)) / log(longer))
    before = (1.0 - pow(longer, restart)) / (1.0 - longer)
    return restart, (part - before) / pow(longer, restart)


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Tensor:
    """A falling line times a cosine (Bello et al. 2017): `(alpha + line) * cosine + beta` of the learning rate."""

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        line, wave = _line_and_wave(step, number(decay_steps), num_periods)
        return rate * ((alpha + line) * wave + beta)

    return _decayed(learning_rate, global_step, name or "LinearCosineDecay", "linear cosine decay", build)


def _line_and_wave(step: Tensor, steps: Tensor, num_periods: float) -> tuple[Tensor, Tensor]:
    step = minimum(step, steps)
    return (steps - step) / steps, _half_cosine(2.0 * num_periods * (step / steps))


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: float = 1.0,
    variance_decay: float = 0.55,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Tensor:
    """`linear_cosine_decay` with noise on the line, of variance `initial_variance / (1 + step) ** variance_decay`."""

    def build(rate: Tensor, step: Tensor, number: Any) -> Any:
        line, wave = _line_and_wave(step, number(decay_steps), num_periods)
        step = minimum(step, number(decay_steps))
        deviation = sqrt(number(initial_variance) / pow(1.0 + step, number(variance_decay)))
        noise = random_normal([], stddev=1.0, dtype=rate.dtype.base_dtype) * deviation
        return rate * ((alpha + (line + noise)) * wave + beta)

    return _decayed(learning_rate, global_step, name or "NoisyLinearCosineDecay", "noisy linear cosine decay", build)


piecewise_constant_decay = piecewise_constant
