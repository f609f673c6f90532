"""Products with what the gradients beside them need; by kernels of our own where the library does otherwise."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...dtypes import as_dtype
from ...registry import definition_of
from ...scalar import Expression
from ..calls import Bound, DeviceArray, gpu
from ..epilogues import works
from ..template import template
from .elementwise import ITSELF, chain
from .products import added, computed_as, followers, fused_matmul, fused_product, multiply
from .reductions import reduce_expression, sum_reduction

_FILE = "relu_masks.cuh"


@gpu("_FusedMatMulMask")
def fused_matmul_mask(bound: Bound) -> None:
    """A product, a bias and a relu, and the mask of what is positive."""
    out, mask = bound.outputs
    steps = bound.attrs["steps"]
    whole = sum(followers(bound, "relu_mask")) == len(steps)
    if not (whole and added(bound, partial(fused_product, bound, len(steps), mask))):
        fused_matmul(bound)
        _each(bound, "write_mask", "const T* x, uint8* mask", out, mask, mask.size)


@gpu("_MatMulReluGrad")
def matmul_relu_grad(bound: Bound) -> None:
    """A product, and 0 where a mask has no bit."""
    (a, b, mask), out = bound.inputs, bound.outputs[0]
    product = partial(multiply, bound, a, b, out, bound.attrs["transpose_a"], bound.attrs["transpose_b"])
    known = out.size > 0 and works(bound.device, "relu_gradient", out.dtype, computed_as(bound, out.dtype))
    if not (known and added(bound, partial(product, activation="relu_gradient", auxiliary=mask))):
        product()
        _each(bound, "apply_mask", "T* x, const uint8* mask", out, mask, out.size)


@gpu("_FusedMatMulGelu")
def fused_matmul_gelu(bound: Bound) -> None:
    """A product, a bias and a gelu, and what that is taken of."""
    (a, b, *operands), (features, out) = bound.inputs, bound.outputs
    turned = bound.attrs["transpose_a"], bound.attrs["transpose_b"]
    known = followers(bound)[0] and works(bound.device, "gelu", out.dtype, computed_as(bound, out.dtype))
    options: dict[str, Any] = {"activation": "gelu", "auxiliary": features}
    if not (known and added(bound, partial(multiply, bound, a, b, out, *turned, bias=operands[0], **options))):
        fused_matmul(bound)
        chain(bound, _expression("_Gelu", out), [features], out)


@gpu("_MatMulGeluGrad")
def matmul_gelu_grad(bound: Bound) -> None:
    """A product, which is the gradient of a gelu's result, and that of what it is taken of."""
    (a, b, features), out = bound.inputs, bound.outputs[0]
    product = partial(multiply, bound, a, b, out, bound.attrs["transpose_a"], bound.attrs["transpose_b"])
    known = out.size > 0 and works(bound.device, "gelu_gradient", out.dtype, computed_as(bound, out.dtype))
    if not (known and added(bound, partial(product, activation="gelu_gradient", auxiliary=features))):
        product()
        chain(bound, _expression("_GeluGrad", out), [out, features], out)


def _expression(op_type: str, out: DeviceArray) -> Expression:
    return definition_of(op_type).expression(as_dtype(out.dtype), {})  # type: ignore[return-value]


@gpu("_MatMulBiasGrad")
def matmul_bias_grad(bound: Bound) -> None:
    """A product, and the sums over the rows of a factor."""
    (a, b), (out, sums), summed = bound.inputs, bound.outputs, bound.attrs["summed"]
    product = partial(multiply, bound, a, b, out, bound.attrs["transpose_a"], bound.attrs["transpose_b"])
    wide = a.dtype != out.dtype
    known = out.size > 0 and works(bound.device, f"sums_{summed}", a.dtype, computed_as(bound, a.dtype), wide)
    if not (known and added(bound, partial(product, sums=sums, summed=summed))):
        product()
        factor = a if summed == "a" else b
        reduce_expression(bound, ITSELF, [factor], factor.shape, (0,), sum_reduction(factor.dtype), sums)


def _each(bound: Bound, name: str, places: str, x: DeviceArray, mask: DeviceArray, count: int) -> None:
    bound.require(x.contiguous and mask.contiguous, "strided memory")
    kernel = template(name, _FILE, places + ", long long rows, long long columns, long long row_bytes", x.dtype)
    bound.for_each(kernel, count, x, mask, *x.shape, mask.shape[1])
