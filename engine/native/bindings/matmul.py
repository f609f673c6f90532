"""Matrix products."""

from __future__ import annotations

from ..calls import Array, Bound, native

# Multiply-adds below which one thread does the product.
_SMALL = 200_000


@native("MatMul")
def matmul(bound: Bound) -> None:
    """A product by BLAS, cut along the longer side of the output."""
    bound.require_float32()
    bound.require(bool(bound.outputs[0].size), "an empty product")
    a, b = bound.inputs
    gemm(bound, a, b, bound.outputs[0], bound.attrs["transpose_a"], bound.attrs["transpose_b"])


def gemm(bound: Bound, a: Array, b: Array, out: Array, transpose_a: bool, transpose_b: bool, beta: float = 0.0) -> None:
    """Out = op(a) . op(b) + beta out for row-major matrices."""
    m, n = out.shape
    k = a.shape[0] if transpose_a else a.shape[1]
    bound.require(k > 0, "a product over nothing")
    by_columns = n > m
    length = n if by_columns else m
    size = length if m * n * k < _SMALL else -(-length // 4 // 16) * 16 or 16
    leading = a.shape[1], b.shape[1], n
    places = a, leading[0], b, leading[1], out, leading[2]
    bound.call("gemm_f32", -(-length // size), transpose_a, transpose_b, m, n, k, *places, beta, by_columns, size)
