"""Circular and hyperbolic functions, and the sigmoid."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING
from ..graph import Operation, Tensor
from ..inference import broadcast, like_first
from ..registry import op
from ..samples import Sample
from ..scalar import Scalar, call, exp as scalar_exp
from .complex_parts import conjugate
from .unary import negative_op, on_values, reciprocal_op, rsqrt_op, signed_samples, square_op, text_fails

Gradients = list[Any]
_INEXACT = (*FLOATING, *COMPLEX)


@op("Sin", "x: T", "y: T", shape=like_first, T=_INEXACT)
def sin_op(x: Any, *, name: str | None = None) -> Tensor:
    """The sine."""


@sin_op.gradient
def sin_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * cos_op(conjugate(op.inputs[0]))]


@op("Cos", "x: T", "y: T", shape=like_first, T=_INEXACT)
def cos_op(x: Any, *, name: str | None = None) -> Tensor:
    """The cosine."""


@cos_op.gradient
def cos_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [negative_op(dy * sin_op(conjugate(op.inputs[0])))]


@op("Tan", "x: T", "y: T", shape=like_first, T=_INEXACT)
def tan_op(x: Any, *, name: str | None = None) -> Tensor:
    """The tangent."""


@tan_op.gradient
def tan_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * square_op(reciprocal_op(cos_op(conjugate(op.inputs[0]))))]


@op("Asin", "x: T", "y: T", shape=like_first, T=_INEXACT)
def asin_op(x: Any, *, name: str | None = None) -> Tensor:
    """The angle whose sine is x; NaN outside [-1, 1]."""


@asin_op.gradient
def asin_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * _circle(op)]


def _circle(op: Operation) -> Tensor:
    return rsqrt_op(1 - square_op(conjugate(op.inputs[0])))


@op("Acos", "x: T", "y: T", shape=like_first, T=_INEXACT)
def acos_op(x: Any, *, name: str | None = None) -> Tensor:
    """The angle whose cosine is x; NaN outside [-1, 1]."""


@acos_op.gradient
def acos_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [negative_op(dy * _circle(op))]


@op("Atan", "x: T", "y: T", shape=like_first, T=_INEXACT)
def atan_op(x: Any, *, name: str | None = None) -> Tensor:
    """The angle in (-pi/2, pi/2) whose tangent is x."""


@atan_op.gradient
def atan_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * reciprocal_op(1 + square_op(conjugate(op.inputs[0])))]


@op("Sinh", "x: T", "y: T", shape=like_first, T=_INEXACT)
def sinh_op(x: Any, *, name: str | None = None) -> Tensor:
    """The hyperbolic sine."""


@sinh_op.gradient
def sinh_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * cosh_op(conjugate(op.inputs[0]))]


@op("Cosh", "x: T", "y: T", shape=like_first, T=_INEXACT)
def cosh_op(x: Any, *, name: str | None = None) -> Tensor:
    """The hyperbolic cosine."""


@cosh_op.gradient
def cosh_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * sinh_op(conjugate(op.inputs[0]))]


@op("Asinh", "x: T", "y: T", shape=like_first, T=_INEXACT)
def asinh_op(x: Any, *, name: str | None = None) -> Tensor:
    """The inverse of the hyperbolic sine."""


@asinh_op.gradient
def asinh_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy / cosh_op(conjugate(op.outputs[0]))]


@op("Acosh", "x: T", "y: T", shape=like_first, T=_INEXACT)
def acosh_op(x: Any, *, name: str | None = None) -> Tensor:
    """The inverse of the hyperbolic cosine; NaN below 1."""


@acosh_op.gradient
def acosh_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy / sinh_op(conjugate(op.outputs[0]))]


@op("Atanh", "x: T", "y: T", shape=like_first, T=_INEXACT)
def atanh_op(x: Any, *, name: str | None = None) -> Tensor:
    """The inverse of the hyperbolic tangent; NaN outside [-1, 1]."""


@atanh_op.gradient
def atanh_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy * reciprocal_op(1 - square_op(conjugate(op.inputs[0])))]


@op("Tanh", "x: T", "y: T", shape=like_first, T=_INEXACT)
def tanh_op(x: Any, *, name: str | None = None) -> Tensor:
    """The hyperbolic tangent."""


@tanh_op.gradient
def tanh_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [tanh_grad_op(op.outputs[0], dy)]


@op("TanhGrad", "y: T, dy: T", "z: T", shape=broadcast, T=_INEXACT)
def tanh_grad_op(y: Any, dy: Any, *, name: str | None = None) -> Tensor:
    """The gradient of tanh from its result: dy (1 - y^2)."""


@tanh_grad_op.scalar
def tanh_grad_scalar(y: Scalar, dy: Scalar) -> Scalar:
    c = call("conj", y)
    return dy * (1 - c * c)


@tanh_grad_op.gradient
def tanh_grad_gradient(op: Operation, dz: Tensor) -> Gradients:
    y, dy = op.inputs
    return [dz * conjugate(dy) * conjugate(y) * -2, tanh_grad_op(y, dz)]


@op("Sigmoid", "x: T", "y: T", shape=like_first, T=_INEXACT)
def sigmoid_op(x: Any, *, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x))."""


@sigmoid_op.scalar
def sigmoid_scalar(x: Scalar) -> Scalar:
    # Where exp overflows to infinity the quotient is the right 0, so no sign needs to be told apart.
    return 1 / (1 + scalar_exp(-x))


@sigmoid_op.gradient
def sigmoid_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [sigmoid_grad_op(op.outputs[0], dy)]


@op("SigmoidGrad", "y: T, dy: T", "z: T", shape=broadcast, T=_INEXACT)
def sigmoid_grad_op(y: Any, dy: Any, *, name: str | None = None) -> Tensor:
    """The gradient of the sigmoid from its result: dy y (1 - y)."""


@sigmoid_grad_op.scalar
def sigmoid_grad_scalar(y: Scalar, dy: Scalar) -> Scalar:
    c = call("conj", y)
    return dy * c * (1 - c)


@sigmoid_grad_op.gradient
def sigmoid_grad_gradient(op: Operation, dz: Tensor) -> Gradients:
    y, dy = op.inputs
    scaled = dz * conjugate(dy)
    return [scaled - scaled * conjugate(y) * 2, sigmoid_grad_op(y, dz)]


for _definition, _primitive in (
    (sin_op, "sin"),
    (cos_op, "cos"),
    (tan_op, "tan"),
    (asin_op, "asin"),
    (acos_op, "acos"),
    (atan_op, "atan"),
    (sinh_op, "sinh"),
    (cosh_op, "cosh"),
    (asinh_op, "asinh"),
    (acosh_op, "acosh"),
    (atanh_op, "atanh"),
    (tanh_op, "tanh"),
):
    _definition.scalar(partial(call, _primitive))


def unit_samples(rng: np.random.Generator) -> list[Sample]:
    """Numbers inside (-1, 1), and some that have no image."""
    return [
        Sample((rng.uniform(-0.8, 0.8, (2, 3)),)),
        Sample((np.array([-2, -1, 1, 2], np.float32),), differentiable=False),
    ]


def beyond_one_samples(rng: np.random.Generator) -> list[Sample]:
    """Numbers greater than 1, and some that have no image."""
    return [
        Sample((rng.uniform(1.5, 3, (2, 3)),)),
        Sample((np.array([0, 1, 2], np.float32),), differentiable=False),
    ]


def pair_samples(rng: np.random.Generator) -> list[Sample]:
    """Results between 0 and 1 and their gradients."""
    return [Sample((rng.uniform(0.1, 0.9, (2, 3)), rng.normal(size=(2, 3))))]


for _definition in (sin_op, cos_op, tan_op, atan_op, sinh_op, cosh_op, asinh_op, tanh_op, sigmoid_op):
    _definition.samples(signed_samples)
for _definition in (asin_op, acos_op, atanh_op):
    _definition.samples(unit_samples)
acosh_op.samples(beyond_one_samples)
for _definition in (sin_op, tan_op, acosh_op, atanh_op, tanh_op, sigmoid_op):
    _definition.failing(text_fails)
for _gradient in (tanh_grad_op, sigmoid_grad_op):
    _gradient.samples(pair_samples)


# TensorFlow's names


def sin(x: Any, name: str | None = None) -> Tensor:
    """The sine of each element, in radians."""
    return sin_op(x, name=name)


def cos(x: Any, name: str | None = None) -> Tensor:
    """The cosine of each element, in radians."""
    return cos_op(x, name=name)


def tan(x: Any, name: str | None = None) -> Tensor:
    """The tangent of each element, in radians."""
    return tan_op(x, name=name)


def asin(x: Any, name: str | None = None) -> Tensor:
    """The angle in [-pi/2, pi/2] whose sine is each element; NaN outside [-1, 1]."""
    return asin_op(x, name=name)


def acos(x: Any, name: str | None = None) -> Tensor:
    """The angle in [0, pi] whose cosine is each element; NaN outside [-1, 1]."""
    return acos_op(x, name=name)


def atan(x: Any, name: str | None = None) -> Tensor:
    """The angle in (-pi/2, pi/2) whose tangent is each element."""
    return atan_op(x, name=name)


def sinh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic sine of each element."""
    return sinh_op(x, name=name)


def cosh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic cosine of each element."""
    return cosh_op(x, name=name)


def asinh(x: Any, name: str | None = None) -> Tensor:
    """The inverse hyperbolic sine of each element."""
    return asinh_op(x, name=name)


def acosh(x: Any, name: str | None = None) -> Tensor:
    """The inverse hyperbolic cosine of each element; NaN below 1."""
    return acosh_op(x, name=name)


def atanh(x: Any, name: str | None = None) -> Tensor:
    """The inverse hyperbolic tangent of each element; NaN outside [-1, 1]."""
    return atanh_op(x, name=name)


def tanh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic tangent of each element of a Tensor or SparseTensor."""
    return on_values(tanh_op, x, name)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x)) element-wise."""
    return sigmoid_op(x, name=name)
