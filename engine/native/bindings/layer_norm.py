"""Normalisation of rows by their own moments, and its gradient."""

from __future__ import annotations

from ..calls import Array, Bound, chunks_of, native

# The passes over a row, in multiply-adds for each element.
_COST = 4


@native("LayerNormalization")
def layer_norm(bound: Bound) -> None:
    """A row at a time."""
    x, scale, offset = bound.inputs
    rows, size, chunks, n = _cut(bound, x)
    bound.call("layer_norm_f32", chunks, rows, size, n, bound.attrs["epsilon"], x, scale, offset, *bound.outputs)


@native("LayerNormalizationGrad")
def layer_norm_gradient(bound: Bound) -> None:
    """Rows, with sums of their own for each chunk, which then are added up."""
    dy, x, scale, mean, inverse = bound.inputs
    dx, dscale, doffset = bound.outputs
    rows, size, chunks, n = _cut(bound, x)
    partial = bound.scratch(chunks * n * 8)
    bound.call("layer_norm_grad_f32", chunks, rows, size, n, dy, x, scale, mean, inverse, dx, partial)
    columns, groups = chunks_of(n, chunks)
    bound.call("layer_norm_sums_f32", groups, n, columns, chunks, partial, dscale, doffset)


def _cut(bound: Bound, x: Array) -> tuple[int, int, int, int]:
    bound.require_float32()
    bound.require(bool(x.size), "no rows")
    n = x.shape[-1]
    rows = x.size // n
    return rows, *chunks_of(rows, n * _COST), n
