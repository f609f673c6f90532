"""GELU with tanh as one operation, as steps for devices hold it; see rewriting/fuse_gelu.py."""

from __future__ import annotations

from typing import Any

from ..dtypes import FLOATING
from ..graph import Tensor
from ..inference import all_alike, like_first
from ..kernels.gelu import CUBE, SLOPE
from ..registry import op
from ..scalar import Scalar, tanh


@op("_Gelu", "features: T", "activations: T", shape=like_first, T=FLOATING)
def gelu_op(features: Any, *, name: str | None = None) -> Tensor:
    """`0.5 x (1 + tanh(SLOPE (x + CUBE x^3)))`."""


@op("_GeluGrad", "gradients: T, features: T", "backprops: T", shape=all_alike, T=FLOATING)
def gelu_grad_op(gradients: Any, features: Any, *, name: str | None = None) -> Tensor:
    """The gradient of `_Gelu`, given its input."""


gelu_op.not_differentiable = True
gelu_grad_op.not_differentiable = True


@gelu_op.scalar
def gelu_scalar(x: Scalar) -> Scalar:
    return 0.5 * x * (1 + _tanh(x))


@gelu_grad_op.scalar
def gelu_grad_scalar(dy: Scalar, x: Scalar) -> Scalar:
    y = _tanh(x)
    return dy * (0.5 * (1 + y) + 0.5 * x * (1 - y * y) * (SLOPE * (1 + 3 * CUBE * (x * x))))


def _tanh(x: Scalar) -> Scalar:
    return tanh(SLOPE * (x + CUBE * (x * x * x)))
