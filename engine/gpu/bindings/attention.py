"""Attention and its gradient: fused kernels where they fit, else products with a softmax between them.

In parts, for as many rows at a time as bounded memory holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calls import Bound, DeviceArray, gpu
from ..device import Product
from ..layout import broadcast, view
from ..source import Kernel
from ..template import template
from . import flash_attention as flash
from .softmax import by_rows

# Bytes of scores at a time.
_SCORES = 64 << 20
_THREADS = 256
_MASK = (
    "const T* mask, long long matrix_step, long long row_step, long long key_step, double scale, double factor, "
    "double hidden, const unsigned* chance, long long first, long long all_rows"
)


@dataclass(frozen=True)
class Matrices:
    """Matrices [batch, heads, rows, columns]: where they lie and how many elements apart."""

    address: int
    steps: tuple[int, int, int]
    rows: int
    columns: int
    itemsize: int

    def at(self, batch: int, row: int, head: int = 0) -> int:
        """The address of a row."""
        return self.address + (batch * self.steps[0] + head * self.steps[1] + row * self.steps[2]) * self.itemsize


@dataclass(frozen=True)
class _Part:
    """Heads and rows whose scores are in memory at the same time."""

    batch: int
    head: int
    heads: int
    row: int
    rows: int


@dataclass(frozen=True)
class Attention:
    """What forward and backward share."""

    bound: Bound
    query: Matrices
    key: Matrices
    value: Matrices
    batch: int
    heads: int
    dtype: np.dtype[Any]
    mask: tuple[int, tuple[int, ...]]
    # Where lies by what weights are dropped; 0 for none.
    chance: int = 0

    @property
    def factors(self) -> tuple[float, float, float]:
        """Of scores and of the mask, and what no score that has a mask is below; NaN, which none is, for nothing."""
        scale, factor, hidden = (float(self.bound.attrs[name]) for name in ("scale", "mask_factor", "hidden"))
        return scale, factor, hidden if hidden < 0 else math.nan

    def parts(self) -> Iterator[_Part]:
        """Runs of heads of whole matrices, or of rows of one."""
        rows, keys = self.query.rows, self.key.rows
        room = max(1, _SCORES // (keys * self.dtype.itemsize))
        heads = max(1, min(self.heads, room // rows))
        step = min(rows, room) if heads == 1 else rows
        for batch in range(self.batch):
            for head in range(0, self.heads, heads):
                for row in range(0, rows, step):
                    yield _Part(batch, head, min(heads, self.heads - head), row, min(step, rows - row))

    def scores(self) -> DeviceArray:
        """Room for the scores of a part."""
        part = next(self.parts())
        return self.bound.scratch((part.heads, part.rows, self.key.rows), self.dtype)

    def product(
        self, part: _Part, a: Any, b: Any, c: Any, sizes: tuple[int, int, int], *, turned: tuple[bool, bool] = (False, False),
        beta: float = 0.0,
    ) -> None:  # fmt: skip
        """A product for each head; operands are (address, from head to head, from row to row)."""
        rows, columns, depth = sizes
        compute = self.bound.precision if self.dtype == np.float32 else self.dtype.name
        leading, strides = (a[2], b[2], c[2]), (a[1], b[1], c[1])
        places = a[0], b[0], c[0], rows, columns, depth, self.dtype, leading
        self.bound.product(Product(*places, *turned, part.heads, strides, beta=beta, compute=compute))

    def rows_of(self, matrices: Matrices, part: _Part) -> tuple[int, int, int]:
        """The part's rows of what has a row a query."""
        return matrices.at(part.batch, part.row, part.head), *matrices.steps[1:]

    def whole(self, matrices: Matrices, part: _Part) -> tuple[int, int, int]:
        """All rows of what has a row a key."""
        return matrices.at(part.batch, 0, part.head), *matrices.steps[1:]

    def room(self, scores: DeviceArray, part: _Part) -> tuple[int, int, int]:
        """The scores as an operand."""
        return scores.address, part.rows * self.key.rows, self.key.rows

    def score(self, part: _Part, scores: DeviceArray) -> None:
        """Query times key."""
        sizes = part.rows, self.key.rows, self.query.columns
        operands = self.rows_of(self.query, part), self.whole(self.key, part), self.room(scores, part)
        self.product(part, *operands, sizes, turned=(False, True))

    def mask_of(self, part: _Part) -> tuple[Any, ...]:
        """The kernels' last arguments."""
        address, steps = self.mask
        start = part.batch * steps[0] + part.head * steps[1] + part.row * steps[2] if address else 0
        number = (part.batch * self.heads + part.head) * self.query.rows + part.row
        place = address + start * self.dtype.itemsize if address else 0
        return place, *steps[1:], *self.factors, self.chance, number, self.query.rows

    def kernel(self, name: str, places: str) -> tuple[Kernel, Any]:
        """A kernel on rows of scores, and how many blocks have so many rows."""
        wide, _ = by_rows(self.bound, 1, self.key.rows)
        kernel = template(
            name, "attention.cuh", f"{places}, {_MASK}", self.dtype, wide, synchronizes=True, files=("random.cuh",)
        )
        return kernel, lambda rows: by_rows(self.bound, rows, self.key.rows)[1]

    def kept(self, array: DeviceArray, part: _Part) -> int:
        """Where the numbers [batch, heads, rows] of a part begin."""
        return (
            array.address + ((part.batch * self.heads + part.head) * self.query.rows + part.row) * array.dtype.itemsize
        )


def _attention(
    bound: Bound, query: DeviceArray, key: DeviceArray, value: DeviceArray, others: list[DeviceArray]
) -> Attention:
    kept = np.dtype(np.float32) if query.dtype.itemsize == 2 else query.dtype
    mask = [array for array in others if array.dtype != np.uint32]
    chance = [array.address for array in others if array.dtype == np.uint32]
    for array in [*bound.inputs, *bound.outputs]:
        bound.require(array.dtype in (query.dtype, kept, np.uint32), f"{array.dtype}")
    bound.require(query.ndim in (3, 4), "neither one nor two axes of matrices")
    (*batch, rows, depth), (keys, width) = query.shape, value.shape[-2:]
    bound.require(math.prod((*query.shape, keys, width)) > 0, "no rows or keys")
    bound.require(key.shape == (*batch, keys, depth) and value.shape[:-2] == tuple(batch), "different batches")
    steps: tuple[int, ...] = (0, 0, 0, 0)
    if mask:
        wide = broadcast(mask[0], (*batch, rows, keys))
        steps = tuple(s // wide.dtype.itemsize for s in wide.strides)
        steps = steps if len(batch) == 2 else (0, *steps)
    # One leading axis is as good as heads: products take it at once.
    outer, heads = batch if len(batch) == 2 else (1, *batch)
    places = _matrices(bound, query), _matrices(bound, key), _matrices(bound, value)
    place = mask[0].address if mask else 0
    return Attention(bound, *places, outer, heads, query.dtype, (place, steps), chance[0] if chance else 0)


def _fused(own: Attention) -> bool:
    """Whether the fused kernels do it; if not, explain says why."""
    why = flash.misfit(own)
    if why:
        own.bound.require(own.dtype.itemsize != 2, f"{own.dtype}: {why}")
        own.bound.remarks.append(f"attention in parts, with products between kernels: {why}")
    return not why


def _matrices(bound: Bound, array: DeviceArray) -> Matrices:
    steps = [s // array.dtype.itemsize for s in array.strides]
    bound.require(array.shape[-1] == 1 or steps[-1] == 1, "strided memory")
    # A single head or row may have any stride; products want one that a row fits in.
    row = steps[-2] if array.shape[-2] > 1 else max(steps[-2], array.shape[-1])
    bound.require(row >= array.shape[-1], "overlapping rows")
    outer, heads = (0, *steps)[-4:-2]
    rows, columns = array.shape[-2:]
    return Matrices(array.address, (outer, heads, row), rows, columns, array.dtype.itemsize)


def _heads_first(bound: Bound, mixed: DeviceArray) -> DeviceArray:
    return view(mixed, lambda x: np.swapaxes(x, -2, -3)) if bound.attrs["by_rows"] else mixed


@gpu("_Attention")
def attention(bound: Bound) -> None:
    """The result, and what its gradient needs of the scores."""
    query, key, value, *others = bound.inputs
    mixed, most, share = bound.outputs
    own = _attention(bound, query, key, value, others)
    bound.require(most.contiguous and share.contiguous, "strided memory")
    result = _matrices(bound, _heads_first(bound, mixed))
    if _fused(own):
        flash.forward(own, result, most, share)
        return
    scores = own.scores()
    places = "T* scores, T* most, T* share, long long kept_step, long long matrices, long long rows, int keys"
    kernel, blocks = own.kernel("attention_weights", places)
    for part in own.parts():
        own.score(part, scores)
        kept = own.kept(most, part), own.kept(share, part), own.query.rows
        sizes = part.heads, part.rows, own.key.rows
        bound.launch(kernel, blocks(part.heads * part.rows), _THREADS, scores, *kept, *sizes, *own.mask_of(part))
        operands = own.room(scores, part), own.whole(own.value, part), own.rows_of(result, part)
        own.product(part, *operands, (part.rows, own.value.columns, own.key.rows))


@gpu("_AttentionGrad", "_PackedAttentionGrad")
def attention_gradient(bound: Bound) -> None:
    """The gradients with respect to query, key and value."""
    dy, query, key, value, mixed, most, share, *others = bound.inputs
    outputs = bound.outputs
    if bound.type == "_PackedAttentionGrad":
        outputs = [_packed(bound.outputs[0], i) for i in range(3)]
    own = _attention(bound, query, key, value, others)
    bound.require(most.contiguous and share.contiguous, "strided memory")
    given, result = _matrices(bound, dy), _matrices(bound, _heads_first(bound, mixed))
    dq, dk, dv = (_matrices(bound, x) for x in outputs)
    if _fused(own):
        flash.gradient(own, given, result, (most, share), (dq, dk, dv))
        return
    scores, slopes = own.scores(), own.scores()
    places = (
        "T* scores, T* slopes, const T* dy, long long dy_matrix, long long dy_row, const T* mixed, "
        "long long mixed_matrix, long long mixed_row, int width, const T* most, const T* share, long long kept_step, "
        "long long matrices, long long rows, int keys"
    )
    kernel, blocks = own.kernel("attention_slopes", places)
    for part in own.parts():
        rows, keys, width, depth = part.rows, own.key.rows, own.value.columns, own.query.columns
        own.score(part, scores)
        from_rows, to_slopes = own.rows_of(given, part), own.room(slopes, part)
        own.product(part, from_rows, own.whole(own.value, part), to_slopes, (rows, keys, width), turned=(False, True))
        kept = own.kept(most, part), own.kept(share, part), own.query.rows
        sizes = part.heads, rows, keys
        arguments = scores, slopes, *from_rows, *own.rows_of(result, part), width, *kept, *sizes, *own.mask_of(part)
        bound.launch(kernel, blocks(part.heads * rows), _THREADS, *arguments)
        beta, turned = 1.0 if part.row else 0.0, (True, False)
        own.product(part, to_slopes, own.whole(own.key, part), own.rows_of(dq, part), (rows, depth, keys))
        queries = own.rows_of(own.query, part)
        own.product(part, to_slopes, queries, own.whole(dk, part), (keys, depth, rows), turned=turned, beta=beta)
        weights = own.room(scores, part)
        own.product(part, weights, from_rows, own.whole(dv, part), (keys, width, rows), turned=turned, beta=beta)


def _packed(packed: DeviceArray, i: int) -> DeviceArray:
    """Query's, key's or value's part of an array [batch, rows, 3, heads, size], heads before rows."""
    return view(packed, lambda x: x[:, :, i].transpose(0, 2, 1, 3))
