"""Signs, powers, exponentials and logarithms of single elements."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, FLOATING, complex64, float32, float64, int8, int16, int32, int64
from ..graph import Operation, Tensor
from ..inference import broadcast, like_first
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar, call, sqrt as scalar_sqrt
from ..tensor_types import SparseTensor
from .complex_parts import complex_abs_op, conjugate

Gradients = list[Any]
_SIGNED = (*FLOATING, int8, int16, int32, int64)
_INEXACT = (*FLOATING, *COMPLEX)


@op("Neg", "x: T", "y: T", shape=like_first, T=(*_SIGNED, *COMPLEX))
def negative_op(x: Any, *, name: str | None = None) -> Tensor:
    """The negative of x."""


@negative_op.gradient
def negative_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [negative_op(dy)]


@op("Abs", "x: T", "y: T", shape=like_first, T=_SIGNED)
def abs_op(x: Any, *, name: str | None = None) -> Tensor:
    """The absolute value of real numbers."""


@abs_op.gradient
def abs_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * sign_op(op.inputs[0])]


@op("Sign", "x: T", "y: T", shape=like_first, T=(*_SIGNED, *COMPLEX))
def sign_op(x: Any, *, name: str | None = None) -> Tensor:
    """-1, 0 or 1; x / |x| of complex numbers."""


@sign_op.gradient
def sign_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .guards import zeros_like_op

    return [zeros_like_op(op.inputs[0])]


@op("Square", "x: T", "y: T", shape=like_first, T=(*_SIGNED, *COMPLEX))
def square_op(x: Any, *, name: str | None = None) -> Tensor:
    """X * x."""


@square_op.gradient
def square_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * (conjugate(op.inputs[0]) * 2)]


@op("Sqrt", "x: T", "y: T", shape=like_first, T=_INEXACT)
def sqrt_op(x: Any, *, name: str | None = None) -> Tensor:
    """The square root; NaN for negative numbers."""


@sqrt_op.gradient
def sqrt_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [sqrt_grad_op(op.outputs[0], dy)]


@op("SqrtGrad", "y: T, dy: T", "z: T", shape=broadcast, T=_INEXACT)
def sqrt_grad_op(y: Any, dy: Any, *, name: str | None = None) -> Tensor:
    """The gradient of sqrt from its result: dy / (2 y)."""


@sqrt_grad_op.scalar
def sqrt_grad_scalar(y: Scalar, dy: Scalar) -> Scalar:
    return dy * 0.5 / call("conj", y)


@sqrt_grad_op.gradient
def sqrt_grad_gradient(op: Operation, dz: Tensor) -> Gradients:
    y = op.inputs[0]
    scaled = dz / conjugate(y)
    return [negative_op(conjugate(scaled) * conjugate(op.outputs[0])), scaled * 0.5]


@op("Rsqrt", "x: T", "y: T", shape=like_first, T=_INEXACT)
def rsqrt_op(x: Any, *, name: str | None = None) -> Tensor:
    """1 / sqrt(x)."""


@rsqrt_op.scalar
def rsqrt_scalar(x: Scalar) -> Scalar:
    return 1 / scalar_sqrt(x)


@rsqrt_op.gradient
def rsqrt_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [rsqrt_grad_op(op.outputs[0], dy)]


@op("RsqrtGrad", "y: T, dy: T", "z: T", shape=broadcast, T=_INEXACT)
def rsqrt_grad_op(y: Any, dy: Any, *, name: str | None = None) -> Tensor:
    """The gradient of rsqrt from its result: -dy y^3 / 2."""


@rsqrt_grad_op.scalar
def rsqrt_grad_scalar(y: Scalar, dy: Scalar) -> Scalar:
    c = call("conj", y)
    return dy * -0.5 * (c * c * c)


@rsqrt_grad_op.gradient
def rsqrt_grad_gradient(op: Operation, dz: Tensor) -> Gradients:
    y, dy = op.inputs
    c = conjugate(y)
    return [conjugate(dy) * dz * square_op(c) * -1.5, rsqrt_grad_op(y, dz)]


@op("Reciprocal", "x: T", "y: T", shape=like_first, T=_INEXACT)
def reciprocal_op(x: Any, *, name: str | None = None) -> Tensor:
    """1 / x."""


@op("Inv", "x: T", "y: T", shape=like_first, T=_INEXACT)
def inv_op(x: Any, *, name: str | None = None) -> Tensor:
    """1 / x, under its old name."""


@op("ReciprocalGrad", "y: T, dy: T", "z: T", shape=broadcast, T=_INEXACT)
def reciprocal_grad_op(y: Any, dy: Any, *, name: str | None = None) -> Tensor:
    """The gradient of the reciprocal from its result: -dy y^2."""


@op("InvGrad", "y: T, dy: T", "z: T", shape=broadcast, T=_INEXACT)
def inv_grad_op(y: Any, dy: Any, *, name: str | None = None) -> Tensor:
    """The gradient of the reciprocal from its result, under its old name."""


@reciprocal_op.scalar
@inv_op.scalar
def reciprocal_scalar(x: Scalar) -> Scalar:
    return 1 / x


@reciprocal_op.gradient
@inv_op.gradient
def reciprocal_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [reciprocal_grad_op(op.outputs[0], dy)]


@reciprocal_grad_op.scalar
@inv_grad_op.scalar
def reciprocal_grad_scalar(y: Scalar, dy: Scalar) -> Scalar:
    c = call("conj", y)
    return -dy * (c * c)


@reciprocal_grad_op.gradient
@inv_grad_op.gradient
def reciprocal_grad_gradient(op: Operation, dz: Tensor) -> Gradients:
    y, dy = op.inputs
    return [conjugate(dy) * dz * conjugate(y) * -2, reciprocal_grad_op(y, dz)]


@op("Exp", "x: T", "y: T", shape=like_first, T=_INEXACT)
def exp_op(x: Any, *, name: str | None = None) -> Tensor:
    """E to the power of x."""


@exp_op.gradient
def exp_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * conjugate(op.outputs[0])]


@op("Expm1", "x: T", "y: T", shape=like_first, T=_INEXACT)
def expm1_op(x: Any, *, name: str | None = None) -> Tensor:
    """Exp(x) - 1, exact also near 0."""


@expm1_op.gradient
def expm1_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * exp_op(conjugate(op.inputs[0]))]


@op("Log", "x: T", "y: T", shape=like_first, T=_INEXACT)
def log_op(x: Any, *, name: str | None = None) -> Tensor:
    """The natural logarithm; -inf at 0 and NaN below."""


@log_op.gradient
def log_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * reciprocal_op(conjugate(op.inputs[0]))]


@op("Log1p", "x: T", "y: T", shape=like_first, T=_INEXACT)
def log1p_op(x: Any, *, name: str | None = None) -> Tensor:
    """The natural logarithm of 1 + x, exact also near 0."""


@log1p_op.gradient
def log1p_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * reciprocal_op(conjugate(op.inputs[0]) + 1)]


for _definition, _primitive in (
    (negative_op, "neg"),
    (abs_op, "abs"),
    (sign_op, "sign"),
    (square_op, "square"),
    (sqrt_op, "sqrt"),
    (exp_op, "exp"),
    (expm1_op, "expm1"),
    (log_op, "log"),
    (log1p_op, "log1p"),
):
    _definition.scalar(partial(call, _primitive))


def away_from_zero(rng: np.random.Generator) -> Any:
    """Numbers of both signs at a distance from 0."""
    return rng.choice([-1.0, 1.0], (2, 3)) * rng.uniform(0.5, 2, (2, 3))


def signed_samples(rng: np.random.Generator) -> list[Sample]:
    """Numbers of both signs, an empty array, a scalar and half precision."""
    return [
        Sample((away_from_zero(rng),)),
        Sample((np.zeros((2, 0)),)),
        Sample((np.float64(0.75),)),
        Sample((away_from_zero(rng).astype(np.float16),), differentiable=False),
    ]


def integer_samples(rng: np.random.Generator) -> list[Sample]:
    """As `signed_samples`, and integers."""
    return [*signed_samples(rng), Sample((np.array([-3, 0, 5], np.int32),), differentiable=False)]


def positive_samples(rng: np.random.Generator) -> list[Sample]:
    """Positive numbers, an empty array, complex numbers and bad numbers."""
    return [
        Sample((rng.uniform(0.5, 3, (2, 3)),)),
        Sample((np.zeros((0,), np.float32),)),
        Sample((np.array([0, -1, np.nan, np.inf], np.float32),), differentiable=False),
        Sample((np.array([1 + 2j, -1j]),), differentiable=False),
    ]


def result_samples(rng: np.random.Generator) -> list[Sample]:
    """Positive results and their gradients."""
    return [Sample((rng.uniform(0.5, 3, (2, 3)), rng.normal(size=(2, 3))))]


def text_fails(rng: np.random.Generator) -> list[Failure]:
    """Strings, which have no arithmetic."""
    return [Failure((np.array(["a"], object),), TypeError, "string")]


for _definition in (negative_op, abs_op, sign_op, square_op):
    _definition.samples(integer_samples)
for _definition in (sqrt_op, rsqrt_op, log_op, log1p_op):
    _definition.samples(positive_samples)
for _definition in (reciprocal_op, inv_op, exp_op, expm1_op):
    _definition.samples(signed_samples)
for _definition in (sqrt_op, rsqrt_op, log_op, log1p_op, reciprocal_op, inv_op, exp_op, expm1_op, negative_op):
    _definition.failing(text_fails)
for _gradient in (sqrt_grad_op, rsqrt_grad_op, reciprocal_grad_op, inv_grad_op):
    _gradient.samples(result_samples)


# TensorFlow's names


def on_values(build: Callable[..., Tensor], x: Any, name: str | None) -> Any:
    """`build` on a tensor, or on the values of a SparseTensor."""
    if isinstance(x, SparseTensor):
        return SparseTensor(x.indices, build(x.values, name=name), x.dense_shape)
    return build(x, name=name)


def abs(x: Any, name: str | None = None) -> Any:
    """The absolute value of each element; of complex numbers a real tensor.

    Args:
        x: a Tensor or SparseTensor of a floating, integer or complex dtype.
    """
    return on_values(_absolute, x, name)


def _absolute(x: Any, name: str | None) -> Tensor:
    tensor = convert_to_tensor(x, name="x")
    if tensor.dtype.is_complex:
        width = float32 if tensor.dtype.base_dtype == complex64 else float64
        return complex_abs_op(tensor, Tout=width, name=name)
    return abs_op(tensor, name=name)


def negative(x: Any, name: str | None = None) -> Any:
    """The negative of each element of a Tensor or SparseTensor."""
    return on_values(negative_op, x, name)


def sign(x: Any, name: str | None = None) -> Any:
    """-1, 0 or 1 by the sign of each element of a Tensor or SparseTensor; x / |x| of complex numbers."""
    return on_values(sign_op, x, name)


def square(x: Any, name: str | None = None) -> Any:
    """The square of each element of a Tensor or SparseTensor."""
    return on_values(square_op, x, name)


def sqrt(x: Any, name: str | None = None) -> Any:
    """The square root of each element of a Tensor or SparseTensor; NaN for negative numbers."""
    return on_values(sqrt_op, x, name)


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """1 / sqrt(x) element-wise."""
    return rsqrt_op(x, name=name)


def exp(x: Any, name: str | None = None) -> Tensor:
    """E to the power of each element.

    Example:
        >>> import headrace as tf
        >>> float(tf.Session().run(tf.exp(0.0)))
        1.0
    """
    return exp_op(x, name=name)


def expm1(x: Any, name: str | None = None) -> Tensor:
    """Exp(x) - 1 element-wise, exact also near 0."""
    return expm1_op(x, name=name)


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm of each element; -inf at 0 and NaN below."""
    return log_op(x, name=name)


def log1p(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm of 1 + x element-wise, exact also near 0."""
    return log1p_op(x, name=name)


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """1 / x element-wise."""
    return reciprocal_op(x, name=name)


inv = reciprocal
neg = negative
