"""Sparse tensors as ops: to dense ones, ordered, reshaped, sliced, joined, and with empty rows filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, int32, int64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of
from ..kernels.bounds import check_nd_indices
from ..registry import definition_of, op
from ..samples import Failure, Sample
from .array import reshape, shape
from .array_order import invert_permutation_op
from .array_pad import total
from .array_parts import concat
from .array_scatter import scatter_nd_op
from .array_split import split_v_op
from .broadcasting import unbroadcast
from .indexing import gather_nd_op, gather_op

Gradients = list[Any]

ZERO = np.array(0, np.int32)


def example(rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """The parts of a small sparse matrix [3, 4], in order."""
    return np.array([[0, 1], [0, 3], [2, 0]]), rng.normal(size=3), np.array([3, 4])


def triple_shape(context: InferenceContext, first: int = 0) -> tuple[int | None, int | None]:
    """The number of elements and the rank of the sparse tensor whose parts start at an input."""
    indices, values = context.with_rank(first, 2), context.with_rank(first + 1, 1)
    dense = context.with_rank(first + 2, 1)
    known = [n for n in (indices[0], values[0]) if n is not None]
    if len(set(known)) > 1:
        raise ValueError(f"There are {indices[0]} indices for {values[0]} values")
    return (known[0] if known else None), (indices[1] if indices[1] is not None else dense[0])


def check_parts(indices: Any, values: Any, dense_shape: Any) -> None:
    """InvalidArgumentError unless the parts fit each other and all indices are inside."""
    if indices.ndim != 2 or len(indices) != len(values) or indices.shape[1] != len(dense_shape):
        sizes = [list(np.shape(x)) for x in (indices, values, dense_shape)]
        raise InvalidArgumentError(None, None, f"Indices, values and shape do not fit each other: {sizes}")
    if (np.asarray(dense_shape) < 0).any():
        raise InvalidArgumentError(None, None, f"A dense shape must not be negative: {dense_shape.tolist()}")
    check_nd_indices(indices, tuple(int(s) for s in dense_shape))


def row_major(indices: Any) -> Any:
    """The order that sorts indices, the first column before the others; stable."""
    return np.lexsort(indices.T[::-1]) if indices.shape[1] else np.arange(len(indices))


def _places(values: Tensor) -> Tensor:
    """The numbers 0, 1, ... one a value: what becomes of them tells how an op moves values."""
    count = definition_of("Size")(values, out_type=int64)
    result: Tensor = definition_of("Range")(np.int64(0), count, np.int64(1))
    return result


@op(
    "SparseToDense", "sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T",
    "dense: T", Tindices=INDEX,
)  # fmt: skip
def sparse_to_dense_op(
    sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any, *, validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A dense tensor of `output_shape` with values at indices (a scalar, vector or matrix) and a default elsewhere."""


@sparse_to_dense_op.shape
def sparse_to_dense_shape(context: InferenceContext) -> list[Sizes]:
    return [context.shape_value(1)]


@sparse_to_dense_op.kernel
def sparse_to_dense_kernel(
    xp: Any, indices: Any, output_shape: Any, values: Any, default: Any, *, validate_indices: bool
) -> Any:
    sizes = tuple(int(s) for s in np.ravel(output_shape))
    if any(s < 0 for s in sizes):
        raise InvalidArgumentError(None, None, f"output_shape must not be negative: {list(sizes)}")
    rows = indices.reshape(-1, 1) if indices.ndim < 2 else indices
    if rows.ndim != 2 or rows.shape[1] != len(sizes) or np.size(values) not in (1, len(rows)):
        text = f"sparse_indices {list(indices.shape)} do not fit shape {list(sizes)}, {np.size(values)} values"
        raise InvalidArgumentError(None, None, text)
    check_nd_indices(rows, sizes)
    order = row_major(rows)
    if validate_indices and (len(order) != len(np.unique(rows, axis=0)) or (order != np.arange(len(order))).any()):
        raise InvalidArgumentError(None, None, "sparse_indices are repeated or out of order")
    out = np.empty(sizes, np.asarray(values).dtype)
    out[...] = default
    out[tuple(rows.T)] = values
    return out


@sparse_to_dense_op.gradient
def sparse_to_dense_gradient(op: Operation, dy: Tensor) -> Gradients:
    indices, output_shape, values, _ = op.inputs
    if indices.sizes is None or len(indices.sizes) < 2:
        rank = reshape(definition_of("Size")(output_shape, out_type=int32), [1])
        indices = reshape(indices, concat([np.array([-1], np.int32), rank], 0))
    found = gather_nd_op(dy, indices)
    return [None, None, unbroadcast(found, values), total(dy) - total(found)]


@sparse_to_dense_op.samples
def sparse_to_dense_samples(rng: np.random.Generator) -> list[Sample]:
    indices, values, sizes = example(rng)
    return [
        Sample((indices, sizes, values, np.float64(-1)), gradients=(2, 3)),
        Sample((np.array([1, 3]), np.array([5]), np.float64(2), np.float64(0)), gradients=(2, 3)),
        Sample((indices[::-1], sizes, values, np.float64(0)), {"validate_indices": False}, gradients=(2,)),
        Sample((np.array([1]), np.array([2]), np.array([b"a"], object), np.array(b"", object)), differentiable=False),
    ]


@sparse_to_dense_op.failing
def sparse_to_dense_failing(rng: np.random.Generator) -> list[Failure]:
    indices, values, sizes = example(rng)
    zero, error = np.float64(0), InvalidArgumentError
    return [
        Failure((indices[::-1], sizes, values, zero), error, "repeated or out of order", at_run=True),
        Failure((indices, np.array([2, 4]), values, zero), error, "does not index", at_run=True),
    ]


@op(
    "SparseReorder", "input_indices: int64, input_values: T, input_shape: int64",
    "output_indices: int64, output_values: T",
)  # fmt: skip
def sparse_reorder_op(
    input_indices: Any, input_values: Any, input_shape: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The elements in row-major order."""


@sparse_reorder_op.shape
def sparse_reorder_shape(context: InferenceContext) -> list[Sizes]:
    number, rank = triple_shape(context)
    return [(number, rank), (number,)]


@sparse_reorder_op.kernel
def sparse_reorder_kernel(xp: Any, indices: Any, values: Any, dense_shape: Any) -> Any:
    check_parts(indices, values, dense_shape)
    order = row_major(indices)
    return indices[order], values[order]


@sparse_reorder_op.gradient
def sparse_reorder_gradient(op: Operation, dindices: Any, dvalues: Tensor) -> Gradients:
    indices, values, dense_shape = op.inputs
    order = sparse_reorder_op(indices, _places(values), dense_shape)[1]
    return [None, gather_op(dvalues, invert_permutation_op(order), ZERO), None]


@sparse_reorder_op.samples
def sparse_reorder_samples(rng: np.random.Generator) -> list[Sample]:
    indices, values, sizes = example(rng)
    return [Sample((indices[[2, 0, 1]], values, sizes), gradients=(1,))]


@sparse_reorder_op.failing
def sparse_reorder_failing(rng: np.random.Generator) -> list[Failure]:
    indices, values, _ = example(rng)
    return [Failure((indices, values, np.array([2, 4])), InvalidArgumentError, "does not index", at_run=True)]


@op(
    "SparseReshape", "input_indices: int64, input_shape: int64, new_shape: int64",
    "output_indices: int64, output_shape: int64",
)  # fmt: skip
def sparse_reshape_op(
    input_indices: Any, input_shape: Any, new_shape: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The indices of the same elements under another dense shape; one size may be -1."""


@sparse_reshape_op.shape
def sparse_reshape_shape(context: InferenceContext) -> list[Sizes]:
    number, rank = context.with_rank(0, 2)[0], context.with_rank(2, 1)[0]
    return [(number, rank), (rank,)]


@sparse_reshape_op.kernel
def sparse_reshape_kernel(xp: Any, indices: Any, input_shape: Any, new_shape: Any) -> Any:
    check_parts(indices, indices, input_shape)
    old, new = [int(s) for s in input_shape], [int(s) for s in new_shape]
    count, known = int(np.prod(old, dtype=object)), int(np.prod([s for s in new if s != -1], dtype=object))
    if new.count(-1) == 1 and known > 0 and count % known == 0:
        new[new.index(-1)] = count // known
    if min(new, default=0) < 0 or int(np.prod(new, dtype=object)) != count or count > np.iinfo(np.int64).max:
        text = f"Input to reshape is a tensor with {count} dense values, but the requested shape is {list(new_shape)}"
        raise InvalidArgumentError(None, None, text)
    flat = np.ravel_multi_index(tuple(indices.T), old) if len(indices) and old else np.zeros(len(indices), np.int64)
    rows = np.unravel_index(flat, new) if len(indices) and new else [np.zeros(len(indices), np.int64)] * len(new)
    return np.stack([*rows, flat], axis=1)[:, :-1].astype(np.int64), np.array(new, np.int64)


@sparse_reshape_op.samples
def sparse_reshape_samples(rng: np.random.Generator) -> list[Sample]:
    indices, _, sizes = example(rng)
    return [Sample((indices, sizes, np.array([2, -1]))), Sample((indices, sizes, np.array([12])))]


@sparse_reshape_op.failing
def sparse_reshape_failing(rng: np.random.Generator) -> list[Failure]:
    indices, _, sizes = example(rng)
    return [Failure((indices, sizes, np.array([5, -1])), InvalidArgumentError, "12 dense values", at_run=True)]


sparse_reshape_op.not_differentiable = True


@op(
    "SparseConcat", "indices: N * int64, values: N * T, shapes: N * int64",
    "output_indices: int64, output_values: T, output_shape: int64",
)  # fmt: skip
def sparse_concat_op(
    indices: Any, values: Any, shapes: Any, *, concat_dim: int, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Sparse tensors joined along a dimension, with their elements in order."""


@sparse_concat_op.shape
def sparse_concat_shape(context: InferenceContext) -> list[Sizes]:
    number = len(context.sizes) // 3
    counts = [context.with_rank(i, 2)[0] for i in range(number)]
    ranks = [n for i in range(number) if (n := context.with_rank(i, 2)[1]) is not None]
    total = None if None in counts else sum(n for n in counts if n is not None)
    rank = ranks[0] if ranks else None
    if len(set(ranks)) > 1:
        raise ValueError(f"Ranks of all inputs must match, got {ranks}")
    return [(total, rank), (total,), (rank,)]


@sparse_concat_op.kernel
def sparse_concat_kernel(xp: Any, indices: Any, values: Any, shapes: Any, *, concat_dim: int) -> Any:
    for parts in zip(indices, values, shapes, strict=True):
        check_parts(*parts)
    try:
        axis = axis_of(concat_dim, len(shapes[0]))
        table = np.stack(shapes)
    except (ValueError, IndexError) as error:
        raise InvalidArgumentError(None, None, f"SparseConcat: {error}") from None
    others = np.delete(table, axis, axis=1)
    if (others != others[0]).any():
        raise InvalidArgumentError(None, None, f"All dimensions but {axis} must match, got {table.tolist()}")
    starts = np.cumsum(table[:, axis]) - table[:, axis]
    moved = [i + np.eye(len(table[0]), dtype=np.int64)[axis] * s for i, s in zip(indices, starts, strict=True)]
    joined, result = np.concatenate(moved), table[0].copy()
    result[axis] = table[:, axis].sum()
    order = row_major(joined)
    return joined[order], np.concatenate(values)[order], result


@sparse_concat_op.gradient
def sparse_concat_gradient(op: Operation, dindices: Any, dvalues: Tensor, dshape: Any) -> Gradients:
    number = len(op.inputs) // 3
    indices, values, shapes = (list(op.inputs[i * number : (i + 1) * number]) for i in range(3))
    counts = [definition_of("Size")(v, out_type=int64) for v in values]
    whole = definition_of("Range")(np.int64(0), definition_of("AddN")(counts), np.int64(1))
    lengths = definition_of("Pack")(counts)
    places = split_v_op(whole, lengths, ZERO, num_split=number)
    order = sparse_concat_op(indices, list(places), shapes, concat_dim=op.attrs["concat_dim"])[1]
    back = gather_op(dvalues, invert_permutation_op(order), ZERO)
    parts = split_v_op(back, lengths, ZERO, num_split=number)
    return [*[None] * number, *parts, *[None] * number]


@sparse_concat_op.samples
def sparse_concat_samples(rng: np.random.Generator) -> list[Sample]:
    (i, v, s), (j, w, t) = example(rng), example(rng)
    return [
        Sample(([i, j], [v, w], [s, t]), {"concat_dim": 1}, gradients=(2, 3)),
        Sample(([i, j], [v, w], [s, t]), {"concat_dim": -2}, gradients=(2, 3)),
    ]


@sparse_concat_op.failing
def sparse_concat_failing(rng: np.random.Generator) -> list[Failure]:
    i, v, s = example(rng)
    inputs = ([i, i], [v, v], [s, np.array([3, 5])])
    return [Failure(inputs, InvalidArgumentError, "must match", {"concat_dim": 0}, at_run=True)]


@op(
    "SparseSlice", "indices: int64, values: T, shape: int64, start: int64, size: int64",
    "output_indices: int64, output_values: T, output_shape: int64",
)  # fmt: skip
def sparse_slice_op(
    indices: Any, values: Any, shape: Any, start: Any, size: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The block of a sparse tensor that starts at `start`, of at most `size`."""


@sparse_slice_op.shape
def sparse_slice_shape(context: InferenceContext) -> list[Sizes]:
    rank = triple_shape(context)[1]
    return [(None, rank), (None,), (rank,)]


@sparse_slice_op.kernel
def sparse_slice_kernel(xp: Any, indices: Any, values: Any, shape: Any, start: Any, size: Any) -> Any:
    check_parts(indices, values, shape)
    if start.shape != shape.shape or size.shape != shape.shape or (start < 0).any() or (size < 0).any():
        text = f"start {start.tolist()} and size {size.tolist()} must be non-negative, one entry a dimension"
        raise InvalidArgumentError(None, None, text)
    # Whatever the size, a block ends where the tensor does.
    end = np.minimum(start, shape) + np.minimum(size, np.maximum(shape - start, 0))
    inside = ((indices >= start) & (indices < end)).all(axis=1)
    return indices[inside] - start, values[inside], np.maximum(end - start, 0)


@sparse_slice_op.gradient
def sparse_slice_gradient(op: Operation, dindices: Any, dvalues: Tensor, dshape: Any) -> Gradients:
    indices, values, *rest = op.inputs
    kept = sparse_slice_op(indices, _places(values), *rest)[1]
    return [None, scatter_nd_op(reshape(kept, [-1, 1]), dvalues, shape(values, out_type=int64)), None, None, None]


@sparse_slice_op.samples
def sparse_slice_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((*example(rng), np.array([0, 1]), np.array([2, 9])), gradients=(1,))]


@sparse_slice_op.failing
def sparse_slice_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (*example(rng), np.array([0, -1]), np.array([2, 9]))
    return [Failure(inputs, InvalidArgumentError, "non-negative", at_run=True)]


@op(
    "SparseSplit", "split_dim: int64, indices: int64, values: T, shape: int64",
    "output_indices: num_split * int64, output_values: num_split * T, output_shape: num_split * int64",
)  # fmt: skip
def sparse_split_op(
    split_dim: Any, indices: Any, values: Any, shape: Any, *, num_split: int, name: str | None = None
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """A sparse tensor in pieces along a dimension, the first ones larger by one where it does not divide."""


@sparse_split_op.shape
def sparse_split_shape(context: InferenceContext) -> list[Sizes]:
    rank, number = triple_shape(context, 1)[1], context["num_split"]
    return [*[(None, rank)] * number, *[(None,)] * number, *[(rank,)] * number]


@sparse_split_op.kernel
def sparse_split_kernel(xp: Any, split_dim: Any, indices: Any, values: Any, shape: Any, *, num_split: int) -> Any:
    check_parts(indices, values, shape)
    axis = int(split_dim) + len(shape) if int(split_dim) < 0 else int(split_dim)
    if not 0 <= axis < len(shape) or not 1 <= num_split <= shape[axis]:
        text = f"num_split {num_split} and split_dim {int(split_dim)} do not fit shape {shape.tolist()}"
        raise InvalidArgumentError(None, None, text)
    each, more = divmod(int(shape[axis]), num_split)
    start, pieces = np.zeros_like(shape), []
    for i in range(num_split):
        size = shape.copy()
        size[axis] = each + (i < more)
        pieces.append(sparse_slice_kernel(xp, indices, values, shape, start, size))
        start[axis] += size[axis]
    return tuple([piece[k] for piece in pieces] for k in range(3))


@sparse_split_op.samples
def sparse_split_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array(1), *example(rng)), {"num_split": 3}, differentiable=False)]


@sparse_split_op.failing
def sparse_split_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array(1), *example(rng)), InvalidArgumentError, "do not fit", {"num_split": 9}, at_run=True)]


sparse_split_op.not_differentiable = True


@op(
    "SparseFillEmptyRows", "indices: int64, values: T, dense_shape: int64, default_value: T",
    "output_indices: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64",
)  # fmt: skip
def sparse_fill_empty_rows_op(
    indices: Any, values: Any, dense_shape: Any, default_value: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A sparse matrix with the default at [row, 0] of rows without elements; which they were, and where the others went."""


@sparse_fill_empty_rows_op.shape
def sparse_fill_empty_rows_shape(context: InferenceContext) -> list[Sizes]:
    number, rank = triple_shape(context)
    sizes = context.shape_value(2)
    return [(None, rank), (None,), (None if not sizes else sizes[0],), (number,)]


@sparse_fill_empty_rows_op.kernel
def sparse_fill_empty_rows_kernel(xp: Any, indices: Any, values: Any, dense_shape: Any, default: Any) -> Any:
    check_parts(indices, values, dense_shape)
    if not len(dense_shape):
        raise InvalidArgumentError(None, None, "dense_shape must have at least one entry")
    empty = np.ones(int(dense_shape[0]), np.bool_)
    empty[indices[:, 0]] = False
    added = np.zeros((int(empty.sum()), len(dense_shape)), np.int64)
    added[:, 0] = np.flatnonzero(empty)
    joined = np.concatenate([indices, added])
    filled = np.concatenate([values, np.broadcast_to(np.asarray(default, values.dtype), len(added))])
    order = np.argsort(joined[:, 0], kind="stable")
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return joined[order], filled[order], empty, back[: len(indices)]


@sparse_fill_empty_rows_op.gradient
def sparse_fill_empty_rows_gradient(op: Operation, di: Any, dvalues: Tensor, de: Any, dr: Any) -> Gradients:
    d_values, d_default = sparse_fill_empty_rows_grad_op(op.outputs[3], dvalues)
    return [None, d_values, None, d_default]


@op("SparseFillEmptyRowsGrad", "reverse_index_map: int64, grad_values: T", "d_values: T, d_default_value: T")
def sparse_fill_empty_rows_grad_op(
    reverse_index_map: Any, grad_values: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The gradients of what SparseFillEmptyRows was given: values and default."""


@sparse_fill_empty_rows_grad_op.shape
def sparse_fill_empty_rows_grad_shape(context: InferenceContext) -> list[Sizes]:
    return [context.with_rank(0, 1), ()]


@sparse_fill_empty_rows_grad_op.kernel
def sparse_fill_empty_rows_grad_kernel(xp: Any, reverse_index_map: Any, grad_values: Any) -> Any:
    check_nd_indices(reverse_index_map[:, None], grad_values.shape)
    rest = np.ones(len(grad_values), np.bool_)
    rest[reverse_index_map] = False
    return grad_values[reverse_index_map], grad_values[rest].sum(dtype=grad_values.dtype)


@sparse_fill_empty_rows_op.samples
def sparse_fill_empty_rows_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((*example(rng), np.float64(7)), gradients=(1, 3), second=False)]


@sparse_fill_empty_rows_op.failing
def sparse_fill_empty_rows_failing(rng: np.random.Generator) -> list[Failure]:
    indices, values, _ = example(rng)
    inputs = (indices, values, np.array([2, 4]), np.float64(0))
    return [Failure(inputs, InvalidArgumentError, "does not index", at_run=True)]


@sparse_fill_empty_rows_grad_op.samples
def sparse_fill_empty_rows_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([2, 0]), rng.normal(size=4)), differentiable=False)]


sparse_fill_empty_rows_grad_op.not_differentiable = True
