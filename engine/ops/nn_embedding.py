"""Looking rows up in tables of embeddings, whole or in parts, for dense and for sparse ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import bfloat16, float16, float32, int32
from ..graph import Tensor, get_default_graph
from ..tensor_types import SparseTensor
from .array import reshape, shape, stack
from .array_dynamic import dynamic_partition, parallel_dynamic_stitch
from .array_parts import concat
from .array_sets import unique
from .array_shape import size
from .binary import maximum
from .casting import cast
from .choice import where
from .guards import zeros_like_op
from .indexing import boolean_mask, gather
from .ranges import range as range_of
from .reduce import reduce_prod, reduce_sum
from .segments import segment_sum
from .segments_sparse import sparse_segment_mean, sparse_segment_sqrt_n, sparse_segment_sum
from .sparse import sparse_fill_empty_rows_op, sparse_reshape_op
from .unary import sqrt, square


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:
    """The rows of a table at `ids`.

    Args:
        params: the table [rows, ...]; or a list of its parts, or a partitioned variable.
        ids: int32 or int64 of any shape.
        partition_strategy: how rows are spread over the parts: "mod" (row i in part i % parts) or "div" (in runs).
        name: of the scope.
        validate_indices: accepted for TensorFlow's sake: indices are always checked.
        max_norm: rows of a larger norm are scaled down to it.

    Returns:
        A tensor of shape ids.shape + params.shape[1:].

    Raises:
        ValueError: no parts, or another strategy.
        InvalidArgumentError: while running, an id without a row.
    """
    del validate_indices
    parts = table_parts(params)
    with get_default_graph().name_scope(name or "embedding_lookup"):
        wanted = convert_to_tensor(ids, None, "ids")
        if len(parts) == 1:
            return _clipped(_rows_of(parts[0], wanted), wanted, max_norm)
        return _from_parts(parts, wanted, partition_strategy, max_norm)


def _rows_of(table: Any, rows: Tensor) -> Tensor:
    # Where the table is: rows travel, not tables.
    with get_default_graph().colocate_with(getattr(table, "op", None) or convert_to_tensor(table).op):
        return gather(table, rows)


def table_parts(params: Any) -> list[Any]:
    """The parts of a table: of a list, a partitioned variable, or the whole as the only one."""
    if params is None or (isinstance(params, list | tuple) and not params):
        raise ValueError("Need at least one param")
    # A partitioned variable is what can be walked through and can become one tensor.
    is_partitioned = hasattr(params, "as_tensor") and hasattr(params, "__iter__")
    return list(params) if is_partitioned or isinstance(params, list | tuple) else [params]


def _from_parts(parts: list[Any], ids: Tensor, strategy: str, max_norm: Any) -> Tensor:
    flat = reshape(ids, [-1])
    assignment, rows = _placement(parts, flat, strategy)
    assignment = cast(assignment, int32)
    places = dynamic_partition(range_of(size(flat)), assignment, len(parts))
    chosen = dynamic_partition(rows, assignment, len(parts))
    found = [_rows_of(part, own) for part, own in zip(parts, chosen, strict=True)]
    merged = parallel_dynamic_stitch(places, found)
    return _clipped(_rows_as_ids(merged, ids), ids, max_norm)


def _rows_as_ids(rows: Tensor, ids: Tensor) -> Tensor:
    result = reshape(rows, concat([shape(ids), shape(rows)[1:]], 0))
    if ids.sizes is not None and rows.sizes is not None:
        result.set_shape((*ids.sizes, *rows.sizes[1:]))
    return result


def _placement(parts: list[Any], ids: Tensor, strategy: str) -> tuple[Tensor, Tensor]:
    """The part of each id, and its row there."""
    number = len(parts)
    if strategy == "mod":
        return ids % number, ids // number
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy!r}, expected 'mod' or 'div'")
    # The first `extra` parts have a row more than the others.
    total = _total_rows(parts, ids)
    each, extra = total // number, total % number
    part = maximum(ids // (each + 1), (ids - extra) // each)
    return part, where(part < extra, ids % (each + 1), (ids - extra) % each)


def _total_rows(parts: list[Any], ids: Tensor) -> Any:
    sizes = [convert_to_tensor(part).sizes for part in parts]
    if all(s is not None and s[0] is not None for s in sizes):
        return convert_to_tensor(sum(s[0] for s in sizes if s is not None), ids.dtype.base_dtype)
    return sum(cast(shape(part)[0], ids.dtype.base_dtype) for part in parts)


def _clipped(rows: Tensor, ids: Tensor, max_norm: Any) -> Tensor:
    if max_norm is None:
        return rows
    if ids.sizes is None or rows.sizes is None:
        raise ValueError("max_norm needs ids and params of known rank")
    axes = list(range(len(ids.sizes), len(rows.sizes)))
    # The sum is replaced where it is 0: the root has no gradient there.
    squares = reduce_sum(square(rows), axes, keepdims=True)
    limit = convert_to_tensor(max_norm, rows.dtype.base_dtype)
    safe = where(squares > 0, squares, squares + 1)
    norm = where(squares > 0, sqrt(safe), squares)
    return rows * limit / maximum(norm, limit)


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: Any = None,
) -> Tensor:
    """Rows of a table combined: for each row of sparse ids the sum or mean of their embeddings.

    Args:
        params: the table, as for `embedding_lookup`.
        sp_ids: SparseTensor of ids [batch, anything]; every row of the batch up to the last must have one.
        sp_weights: SparseTensor of floats at the same places, or None for weights of 1.
        partition_strategy: "mod" or "div".
        name: of the scope.
        combiner: "sum", "mean" (the default) or "sqrtn" (the sum over the root of the sum of squared weights).
        max_norm: rows of a larger norm are scaled down to it first.

    Raises:
        TypeError: `sp_ids` or `sp_weights` is not a SparseTensor.
        ValueError: another combiner.
    """
    combiner = combiner or "mean"
    if combiner not in ("sum", "mean", "sqrtn"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner!r}")
    for what, value in (("sp_ids", sp_ids), ("sp_weights", sp_weights)):
        if not isinstance(value, SparseTensor) and not (what == "sp_weights" and value is None):
            raise TypeError(f"{what} must be SparseTensor, got {type(value).__name__}")
    with get_default_graph().name_scope(name or "embedding_lookup_sparse") as scope:
        segments = cast(sp_ids.indices[:, 0], int32)
        ids, places = unique(sp_ids.values)
        rows = embedding_lookup(params, ids, partition_strategy, max_norm=max_norm)
        if sp_weights is not None:
            return _weighted(gather(rows, places), sp_weights.values, segments, combiner, scope)
        combine = {"sum": sparse_segment_sum, "mean": sparse_segment_mean, "sqrtn": sparse_segment_sqrt_n}[combiner]
        return combine(_precise(rows), places, segments, name=scope)


def _precise(rows: Tensor) -> Tensor:
    return cast(rows, float32) if rows.dtype.base_dtype in (float16, bfloat16) else rows


def _weighted(rows: Tensor, weights: Any, segments: Tensor, combiner: str, scope: str) -> Tensor:
    rows = _precise(rows)
    factors = cast(weights, rows.dtype.base_dtype)
    rank = 2 if rows.sizes is None else len(rows.sizes)
    column = reshape(factors, [-1, *[1] * (rank - 1)])
    total = segment_sum(rows * column, segments)
    if combiner == "sum":
        return total
    squared = combiner == "sqrtn"
    divisor = segment_sum(square(column) if squared else column, segments)
    return total / (sqrt(divisor) if squared else divisor)


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str = "mean",
    default_id: int | None = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: Any = None,
) -> Tensor:
    """`embedding_lookup_sparse` that takes rows without ids, negative ids and weights that are not positive.

    Args:
        embedding_weights: the table, as for `embedding_lookup`.
        sparse_ids: SparseTensor [d0, ..., dn]; ids below 0 are left out.
        sparse_weights: SparseTensor of the same shape, or None; where not positive, the id is left out.
        combiner: "sum", "mean" or "sqrtn".
        default_id: whose embedding stands for a row without ids; zeros if left out.
        name: of the scope.
        partition_strategy: "mod" or "div".
        max_norm: rows of a larger norm are scaled down to it first.

    Returns:
        Floats [d0, ..., dn-1, *embedding].
    """
    with get_default_graph().name_scope(name or "embedding_lookup"):
        ids, weights, outer = _flat_rows(sparse_ids, sparse_weights)
        good = ids.values >= 0
        if weights is not None and combiner != "sum":
            good = good & (weights.values > 0)
        ids, is_empty = _filled_rows(_retained(ids, good), default_id or 0)
        if weights is not None:
            weights, _ = _filled_rows(_retained(weights, good), 1)
        rows = embedding_lookup_sparse(embedding_weights, ids, weights, partition_strategy, None, combiner, max_norm)
        if default_id is None:
            rows = where(is_empty, zeros_like_op(rows), rows)
        result = reshape(rows, concat([cast(outer, int32), shape(rows)[1:]], 0))
        _set_outer(result, sparse_ids, rows)
        return result


def _retained(sparse: SparseTensor, kept: Tensor) -> SparseTensor:
    return SparseTensor(boolean_mask(sparse.indices, kept), boolean_mask(sparse.values, kept), sparse.dense_shape)


def _filled_rows(sparse: SparseTensor, value: Any) -> tuple[SparseTensor, Tensor]:
    """The tensor with `value` in every row that has nothing, and which rows these are."""
    default = np.array(value, sparse.dtype.numpy)
    indices, values, is_empty, _ = sparse_fill_empty_rows_op(sparse.indices, sparse.values, sparse.dense_shape, default)
    return SparseTensor(indices, values, sparse.dense_shape), is_empty


def _flat_rows(ids: SparseTensor, weights: SparseTensor | None) -> tuple[SparseTensor, SparseTensor | None, Tensor]:
    """Ids and weights with all but their last dimension flattened to one, and the sizes of those."""
    outer = ids.dense_shape[:-1]
    if ids.indices.sizes is not None and ids.indices.sizes[1] == 2:
        return ids, weights, outer
    rank = ids.indices.sizes[1] if ids.indices.sizes is not None else None
    if rank is None:
        raise ValueError("safe_embedding_lookup_sparse needs ids of known rank")
    whole = stack([reduce_prod(outer), ids.dense_shape[rank - 1]])
    flat = SparseTensor(*sparse_reshape_op(ids.indices, ids.dense_shape, whole)[:1], ids.values, whole)
    return flat, None if weights is None else SparseTensor(flat.indices, weights.values, flat.dense_shape), outer


def _set_outer(result: Tensor, ids: SparseTensor, rows: Tensor) -> None:
    sizes = ids.shape.sizes
    if sizes is not None and rows.sizes is not None:
        result.set_shape((*sizes[:-1], *rows.sizes[1:]))
