"""Products with what the gradients beside them need, as steps for devices hold them; see rewriting/fuse_product_gradients.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING, DType, as_dtype
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.relu_masks import bits_of, mask_bytes, signs_of
from ..registry import op
from .fused_matmul import fused_matmul_kernel
from .linalg import matmul_kernel, matmul_shape
from .nn_gelu import gelu_grad_op, gelu_op


@op("_FusedMatMulMask", "a: T, b: T, operands: N * T", "product: T, mask: uint8", T=FLOATING)
def fused_matmul_mask_op(
    a: Any,
    b: Any,
    operands: Any,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    steps: list[str],
    alphas: list[float],
    name: str | None = None,
) -> Tensor:
    """_FusedMatMul whose last step is Relu, and which elements of it are positive, a bit each (kernels/relu_masks.py)."""


@op("_MatMulReluGrad", "a: T, b: T, mask: uint8", "product: T", T=FLOATING)
def matmul_relu_grad_op(
    a: Any, b: Any, mask: Any, *, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Tensor:
    """The product of two matrices, 0 where the mask of a relu has no bit."""


@op("_FusedMatMulGelu", "a: T, b: T, operands: N * T", "features: T, activations: T", T=FLOATING)
def fused_matmul_gelu_op(
    a: Any,
    b: Any,
    operands: Any,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    steps: list[str],
    alphas: list[float],
    name: str | None = None,
) -> Tensor:
    """_FusedMatMul, and the GELU (with tanh) of its result."""


@op("_MatMulGeluGrad", "a: T, b: T, features: T", "product: T", T=FLOATING)
def matmul_gelu_grad_op(
    a: Any, b: Any, features: Any, *, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Tensor:
    """The gradient of a GELU's `features`, where that of its result is the product of two matrices."""


@op("_MatMulBiasGrad", "a: T, b: T", "product: U, sums: U", T=FLOATING, U=FLOATING)
def matmul_bias_grad_op(
    a: Any,
    b: Any,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    summed: str,
    U: DType,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, and the sums over the rows of `a` or `b`, which `summed` names, as they are stored."""


@fused_matmul_mask_op.shape
def fused_matmul_mask_shape(context: InferenceContext) -> list[Sizes]:
    (sizes,) = matmul_shape(context)
    columns = None if sizes is None else sizes[1]
    return [sizes, (None if sizes is None else sizes[0], None if columns is None else mask_bytes(columns))]


@matmul_relu_grad_op.shape
def matmul_relu_grad_shape(context: InferenceContext) -> list[Sizes]:
    return matmul_shape(context)


@fused_matmul_gelu_op.shape
def fused_matmul_gelu_shape(context: InferenceContext) -> list[Sizes]:
    return matmul_shape(context) * 2


@matmul_gelu_grad_op.shape
def matmul_gelu_grad_shape(context: InferenceContext) -> list[Sizes]:
    return matmul_shape(context)


@matmul_bias_grad_op.shape
def matmul_bias_grad_shape(context: InferenceContext) -> list[Sizes]:
    factor = context.with_rank("ab".index(context["summed"]), 2)
    return [*matmul_shape(context), factor[1:]]


@fused_matmul_mask_op.kernel
def fused_matmul_mask_kernel(xp: Any, a: Any, b: Any, operands: Any, **attrs: Any) -> Any:
    product = fused_matmul_kernel(xp, a, b, operands, **attrs).astype(a.dtype, copy=False)
    return product, bits_of(product)


@matmul_relu_grad_op.kernel
def matmul_relu_grad_kernel(xp: Any, a: Any, b: Any, mask: Any, **attrs: Any) -> Any:
    product = matmul_kernel(xp, a, b, **attrs).astype(a.dtype, copy=False)
    np.copyto(product, 0, where=~signs_of(mask, product.shape[1]))
    return product


@fused_matmul_gelu_op.kernel
def fused_matmul_gelu_kernel(xp: Any, a: Any, b: Any, operands: Any, **attrs: Any) -> Any:
    features = fused_matmul_kernel(xp, a, b, operands, **attrs).astype(a.dtype, copy=False)
    return features, evaluated(gelu_op, a.dtype, features)


@matmul_gelu_grad_op.kernel
def matmul_gelu_grad_kernel(xp: Any, a: Any, b: Any, features: Any, **attrs: Any) -> Any:
    return evaluated(gelu_grad_op, a.dtype, matmul_kernel(xp, a, b, **attrs), features)


def evaluated(definition: Any, dtype: Any, *inputs: Any) -> Any:
    """An element-wise op's result, computed in float32 at least."""
    wide = np.promote_types(dtype, np.float32)
    expression = definition.expression(as_dtype(wide), {})
    return np.asarray(expression.evaluate(*(x.astype(wide, copy=False) for x in inputs))).astype(dtype, copy=False)


@matmul_bias_grad_op.kernel
def matmul_bias_grad_kernel(xp: Any, a: Any, b: Any, *, summed: str, U: DType, **attrs: Any) -> Any:
    a, b = (x.astype(np.promote_types(x.dtype, np.float32), copy=False) for x in (a, b))
    sums = (a if summed == "a" else b).sum(0)
    return tuple(x.astype(U.numpy, copy=False) for x in (matmul_kernel(xp, a, b, **attrs), sums))
