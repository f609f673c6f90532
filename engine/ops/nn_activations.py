"""Activation functions of single elements and their gradients: relu and its kin, elu, selu, softplus, softsign."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, REAL, float32
from ..graph import Operation, Tensor
from ..inference import all_alike, like_first
from ..registry import Op, op
from ..samples import Failure, Sample
from ..scalar import Scalar, absolute, call, exp, log1p, maximum, minimum, where
from .casting import cast
from .elementwise import multiply_op

Gradients = list[Any]

# The two constants of self-normalizing networks (Klambauer and others, 2017): scale, and scale times alpha.
SELU_SCALE = 1.0507009873554804934193349852946
SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def _elements(rng: np.random.Generator) -> list[Sample]:
    # Away from 0 and 6, where the functions have kinks.
    x = rng.choice([-1.0, 1.0], size=(3, 4)) * rng.uniform(0.2, 5.5, size=(3, 4))
    return [
        Sample((x,)),
        Sample((np.array(7.5),)),
        Sample((np.ones((0, 2)),)),
        Sample((np.array([-700.0, 700.0, 1e4], np.float32),), differentiable=False),
    ]


def _pairs(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=x.shape).astype(x.dtype), x)) for (x,) in (s.inputs for s in _elements(rng)[:3])]


def _unlike(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.ones((2, 4))), ValueError, r"3.*4|compatible|merge")]


@op("Relu", "features: T", "activations: T", shape=like_first, T=REAL)
def relu_op(features: Any, *, name: str | None = None) -> Tensor:
    """Max(x, 0)."""


@op("ReluGrad", "gradients: T, features: T", "backprops: T", shape=all_alike, T=REAL)
def relu_grad_op(gradients: Any, features: Any, *, name: str | None = None) -> Tensor:
    """The gradient where the feature is positive, 0 elsewhere."""


@relu_op.scalar
def relu_scalar(x: Scalar) -> Scalar:
    return maximum(x, 0)


@relu_grad_op.scalar
def relu_grad_scalar(dy: Scalar, x: Scalar) -> Scalar:
    return where(x > 0, dy, 0)


@relu_op.gradient
def relu_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [relu_grad_op(dy, op.outputs[0])]


@relu_grad_op.gradient
def relu_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [relu_grad_op(dy, op.inputs[1]), None]


@op("Relu6", "features: T", "activations: T", shape=like_first, T=REAL)
def relu6_op(features: Any, *, name: str | None = None) -> Tensor:
    """Min(max(x, 0), 6)."""


@op("Relu6Grad", "gradients: T, features: T", "backprops: T", shape=all_alike, T=REAL)
def relu6_grad_op(gradients: Any, features: Any, *, name: str | None = None) -> Tensor:
    """The gradient where the feature lies between 0 and 6, 0 elsewhere."""


@relu6_op.scalar
def relu6_scalar(x: Scalar) -> Scalar:
    return minimum(maximum(x, 0), 6)


@relu6_grad_op.scalar
def relu6_grad_scalar(dy: Scalar, x: Scalar) -> Scalar:
    return where(call("logical_and", x > 0, x < 6), dy, 0)


@relu6_op.gradient
def relu6_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [relu6_grad_op(dy, op.outputs[0])]


@relu6_grad_op.gradient
def relu6_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [relu6_grad_op(dy, op.inputs[1]), None]


@op("LeakyRelu", "features: T", "activations: T", shape=like_first, T=FLOATING)
def leaky_relu_op(features: Any, *, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """X where positive, alpha * x elsewhere."""


@op("LeakyReluGrad", "gradients: T, features: T", "backprops: T", shape=all_alike, T=FLOATING)
def leaky_relu_grad_op(gradients: Any, features: Any, *, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """The gradient where the feature is positive, alpha times the gradient elsewhere."""


@leaky_relu_op.scalar
def leaky_relu_scalar(x: Scalar, *, alpha: float) -> Scalar:
    return where(x > 0, x, x * alpha)


@leaky_relu_grad_op.scalar
def leaky_relu_grad_scalar(dy: Scalar, x: Scalar, *, alpha: float) -> Scalar:
    return where(x > 0, dy, dy * alpha)


@leaky_relu_op.gradient
def leaky_relu_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [leaky_relu_grad_op(dy, op.inputs[0], alpha=op.attrs["alpha"])]


@leaky_relu_grad_op.gradient
def leaky_relu_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [leaky_relu_grad_op(dy, op.inputs[1], alpha=op.attrs["alpha"]), None]


@op("Elu", "features: T", "activations: T", shape=like_first, T=FLOATING)
def elu_op(features: Any, *, name: str | None = None) -> Tensor:
    """Exp(x) - 1 where negative, x elsewhere."""


@op("EluGrad", "gradients: T, outputs: T", "backprops: T", shape=all_alike, T=FLOATING)
def elu_grad_op(gradients: Any, outputs: Any, *, name: str | None = None) -> Tensor:
    """The gradient of elu, given its outputs."""


@elu_op.scalar
def elu_scalar(x: Scalar) -> Scalar:
    return where(x < 0, call("expm1", x), x)


@elu_grad_op.scalar
def elu_grad_scalar(dy: Scalar, y: Scalar) -> Scalar:
    return where(y < 0, dy * (y + 1), dy)


@elu_op.gradient
def elu_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [elu_grad_op(dy, op.outputs[0])]


@elu_grad_op.gradient
def elu_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    gradients, outputs = op.inputs
    return [elu_grad_op(dy, outputs), relu_grad_op(dy * gradients, -outputs)]


@op("Selu", "features: T", "activations: T", shape=like_first, T=FLOATING)
def selu_op(features: Any, *, name: str | None = None) -> Tensor:
    """Scale * alpha * (exp(x) - 1) where negative, scale * x elsewhere."""


@op("SeluGrad", "gradients: T, outputs: T", "backprops: T", shape=all_alike, T=FLOATING)
def selu_grad_op(gradients: Any, outputs: Any, *, name: str | None = None) -> Tensor:
    """The gradient of selu, given its outputs."""


@selu_op.scalar
def selu_scalar(x: Scalar) -> Scalar:
    return where(x < 0, call("expm1", x) * SELU_SCALE_ALPHA, x * SELU_SCALE)


@selu_grad_op.scalar
def selu_grad_scalar(dy: Scalar, y: Scalar) -> Scalar:
    return where(y < 0, dy * (y + SELU_SCALE_ALPHA), dy * SELU_SCALE)


@selu_op.gradient
def selu_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [selu_grad_op(dy, op.outputs[0])]


@selu_grad_op.gradient
def selu_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    gradients, outputs = op.inputs
    return [selu_grad_op(dy, outputs), relu_grad_op(dy * gradients, -outputs)]


@op("Softplus", "features: T", "activations: T", shape=like_first, T=FLOATING)
def softplus_op(features: Any, *, name: str | None = None) -> Tensor:
    """Log(exp(x) + 1), without overflow."""


@op("SoftplusGrad", "gradients: T, features: T", "backprops: T", shape=all_alike, T=FLOATING)
def softplus_grad_op(gradients: Any, features: Any, *, name: str | None = None) -> Tensor:
    """The gradient times the logistic function of the feature."""


@softplus_op.scalar
def softplus_scalar(x: Scalar) -> Scalar:
    return maximum(x, 0) + log1p(exp(-absolute(x)))


@softplus_grad_op.scalar
def softplus_grad_scalar(dy: Scalar, x: Scalar) -> Scalar:
    return dy / (exp(-x) + 1)


@softplus_op.gradient
def softplus_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [softplus_grad_op(dy, op.inputs[0])]


@softplus_grad_op.gradient
def softplus_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    gradients, features = op.inputs
    # The logistic function s has the derivative s(x) s(-x).
    return [softplus_grad_op(dy, features), softplus_grad_op(softplus_grad_op(dy * gradients, features), -features)]


@op("Softsign", "features: T", "activations: T", shape=like_first, T=FLOATING)
def softsign_op(features: Any, *, name: str | None = None) -> Tensor:
    """X / (1 + |x|)."""


@op("SoftsignGrad", "gradients: T, features: T", "backprops: T", shape=all_alike, T=FLOATING)
def softsign_grad_op(gradients: Any, features: Any, *, name: str | None = None) -> Tensor:
    """The gradient divided by (1 + |x|) squared."""


@softsign_op.scalar
def softsign_scalar(x: Scalar) -> Scalar:
    return x / (absolute(x) + 1)


@softsign_grad_op.scalar
def softsign_grad_scalar(dy: Scalar, x: Scalar) -> Scalar:
    return dy / call("square", absolute(x) + 1)


@softsign_op.gradient
def softsign_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [softsign_grad_op(dy, op.inputs[0])]


@softsign_grad_op.gradient
def softsign_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    gradients, x = op.inputs
    # The derivative of (1 + |x|)^-2 is -2 sign(x) (1 + |x|)^-3; relus of x and -x give |x| and its sign.
    inner = softsign_grad_op(dy * gradients, x)
    share = softsign_grad_op(inner + inner, x)
    grown = share + share * (relu_op(x) + relu_op(-x))
    return [softsign_grad_op(dy, x), relu_grad_op(grown, -x) - relu_grad_op(grown, x)]


_FORWARD: tuple[Op[..., Any], ...] = (relu_op, relu6_op, leaky_relu_op, elu_op, selu_op, softplus_op, softsign_op)
_GRAD: tuple[Op[..., Any], ...] = (
    relu_grad_op, relu6_grad_op, leaky_relu_grad_op, elu_grad_op, selu_grad_op, softplus_grad_op, softsign_grad_op,
)  # fmt: skip
for _definition in _FORWARD:
    _definition.samples(_elements)
for _definition in _GRAD:
    _definition.samples(_pairs)
    _definition.failing(_unlike)


# TensorFlow's names


def relu(features: Any, name: str | None = None) -> Tensor:
    """Max(features, 0) element-wise, of any real dtype."""
    return relu_op(features, name=name)


def relu6(features: Any, name: str | None = None) -> Tensor:
    """Min(max(features, 0), 6) element-wise."""
    return relu6_op(features, name=name or "Relu6")


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """`features` where positive, `alpha * features` elsewhere.

    Args:
        features: any floating dtype; integers are taken as float32.
        alpha: the slope below zero, a number or a tensor.
    """
    x = convert_to_tensor(features)
    if x.dtype.base_dtype.is_integer:
        x = cast(x, float32)
    if isinstance(alpha, Tensor):
        # An alpha that is computed cannot be an attribute.
        return relu_op(x) - multiply_op(relu_op(-x), alpha, name=name or "LeakyRelu")
    return leaky_relu_op(x, alpha=float(alpha), name=name or "LeakyRelu")


def elu(features: Any, name: str | None = None) -> Tensor:
    """Exp(features) - 1 where negative, `features` elsewhere."""
    return elu_op(features, name=name)


def selu(features: Any, name: str | None = None) -> Tensor:
    """The scaled elu of self-normalizing networks."""
    return selu_op(features, name=name)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """Log(exp(features) + 1) element-wise."""
    return softplus_op(features, name=name)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """Features / (1 + |features|) element-wise."""
    return softsign_op(features, name=name)
