"""Attention and its gradient: a block of rows a chunk, or for the gradient a matrix of scores."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from ..calls import Array, Bound, native

# As in kernels/attention.c.
_ROWS = 64
_KINDS = [np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16), np.dtype(np.float16)]
# What the tiles take at a time.
_WIDEST = 512


@native("_Attention")
def attention(bound: Bound) -> None:
    """The result, and what its gradient needs of the scores."""
    query, key, value, *others = bound.inputs
    mixed, most, share = bound.outputs
    sizes = _sizes(bound, query, key, value)
    places = [
        *_place(bound, query),
        *_place(bound, key),
        *_place(bound, value),
        *_place(bound, _heads_first(bound, mixed)),
    ]
    chunks = sizes[0] * -(-sizes[2] // _ROWS)
    bound.call("attention", chunks, *sizes, *places, *_others(bound, others, query, key), most, share)


@native("_AttentionGrad", "_PackedAttentionGrad")
def attention_grad(bound: Bound) -> None:
    """The gradients with respect to query, key and value."""
    dy, query, key, value, mixed, most, share, *others = bound.inputs
    results = bound.outputs
    if bound.type == "_PackedAttentionGrad":
        results = list(results[0].transpose(2, 0, 3, 1, 4))
    sizes = _sizes(bound, query, key, value)
    arrays = [dy, query, key, value, _heads_first(bound, mixed), *results]
    places = [x for array in arrays for x in _place(bound, array)]
    for array in (most, share):
        bound.require(array.flags.c_contiguous, "strided memory")
    bound.call("attention_grad", sizes[0], *sizes, *places, *_others(bound, others, query, key), most, share)


def _heads_first(bound: Bound, mixed: Array) -> Array:
    return np.swapaxes(mixed, -2, -3) if bound.attrs["by_rows"] else mixed


def _sizes(bound: Bound, query: Array, key: Array, value: Array) -> list[Any]:
    bound.require(query.dtype in _KINDS, f"{query.dtype}")
    for array in [*bound.inputs, *bound.outputs]:
        bound.require(array.dtype in (query.dtype, np.float32, np.uint32), f"{array.dtype}")
    bound.require(query.ndim in (3, 4), "neither one nor two axes of matrices")
    (*batch, rows, depth), (keys, width) = query.shape, value.shape[-2:]
    bound.require(0 < depth <= _WIDEST and 0 < width <= _WIDEST, "heads of no elements or of more than 512")
    bound.require(rows > 0 and keys > 0, "no rows or keys")
    bound.require(key.shape == (*batch, keys, depth) and value.shape[:-2] == tuple(batch), "different batches")
    factors = [float(bound.attrs[name]) for name in ("scale", "mask_factor", "hidden")]
    kind = _KINDS.index(query.dtype)
    return [math.prod(batch), batch[1] if len(batch) == 2 else 1, rows, keys, depth, width, kind, *factors]


def _place(bound: Bound, array: Array) -> list[Any]:
    """Where matrices lie: the address and the distances of batches, heads and rows in elements."""
    steps = [s // array.itemsize for s in array.strides]
    bound.require(array.shape[-1] == 1 or steps[-1] == 1, "strided memory")
    bound.require(all(s % array.itemsize == 0 for s in array.strides), "unaligned memory")
    return [array, steps[0], steps[1] if array.ndim == 4 else 0, steps[-2]]


def _others(bound: Bound, others: list[Array], query: Array, key: Array) -> list[Any]:
    """The mask and by what weights are dropped, if they are there."""
    mask = [array for array in others if array.dtype != np.uint32]
    chance = next((array for array in others if array.dtype == np.uint32), None)
    bound.require(chance is None or chance.flags.c_contiguous, "strided memory")
    if not mask:
        return [None, 0, 0, 0, 0, chance]
    wide = np.broadcast_to(mask[0], (*query.shape[:-1], key.shape[-2]))
    steps = [s // 4 if n > 1 else 0 for s, n in zip(wide.strides, wide.shape, strict=True)]
    bound.require(steps[-1] in (0, 1), "strided memory")
    return [mask[0], steps[0], steps[1] if wide.ndim == 4 else 0, *steps[-2:], chance]
