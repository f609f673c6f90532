"""TensorFlow's functions on SparseTensors: `tf.sparse_*` and `tf.sparse.*`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import bool as bool_dtype, int64, string
from ..graph import Tensor
from ..registry import definition_of
from ..static import constant_value
from ..tensor_types import IndexedSlices, SparseTensor
from . import sparse as ops, sparse_math
from .array import reshape
from .array_parts import concat, ones_like
from .array_sets import list_diff_op
from .indexing import gather, where_op
from .sparse_cross import DEFAULT_HASH_KEY, edit_distance_op, sparse_cross_op


def _sparse(value: Any) -> SparseTensor:
    if isinstance(value, SparseTensor):
        return value
    if hasattr(value, "dense_shape"):
        return SparseTensor.from_value(value)
    raise TypeError(f"Input must be a SparseTensor, got {value!r:.200} of type {type(value).__name__}")


def _parts(value: Any) -> tuple[Tensor, Tensor, Tensor]:
    tensor = _sparse(value)
    return tensor.indices, tensor.values, tensor.dense_shape


def sparse_to_dense(
    sparse_indices: Any, output_shape: Any, sparse_values: Any, default_value: Any = 0, validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A dense tensor of `output_shape` with values at indices (a scalar, vector or matrix) and a default elsewhere.

    Raises:
        InvalidArgumentError: while running, indices that are out of range, or with `validate_indices` out of order.
    """
    values = convert_to_tensor(sparse_values)
    default = convert_to_tensor(default_value if default_value is not None else 0, values.dtype.base_dtype)
    return ops.sparse_to_dense_op(
        sparse_indices, output_shape, values, default, validate_indices=validate_indices, name=name
    )


def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """A SparseTensor as a dense tensor with a default (0, or an empty string) elsewhere."""
    indices, values, dense_shape = _parts(sp_input)
    if default_value is None:
        default_value = "" if values.dtype.base_dtype == string else np.zeros((), values.dtype.base_dtype.numpy)
    return sparse_to_dense(indices, dense_shape, values, default_value, validate_indices, name)


def sparse_reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """A SparseTensor with its elements in row-major order."""
    indices, values, dense_shape = _parts(sp_input)
    return SparseTensor(*ops.sparse_reorder_op(indices, values, dense_shape, name=name), dense_shape)


def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The same elements under another dense shape; one size may be -1."""
    indices, values, dense_shape = _parts(sp_input)
    wanted = convert_to_tensor(shape, None if isinstance(shape, Tensor) else int64)
    wanted = wanted if wanted.dtype.base_dtype == int64 else definition_of("Cast")(wanted, DstT=int64)
    moved, new_shape = ops.sparse_reshape_op(indices, dense_shape, wanted, name=name)
    return SparseTensor(moved, values, new_shape)


def sparse_concat(
    axis: Any, sp_inputs: Any, name: str | None = None, expand_nonconcat_dim: bool = False, concat_dim: Any = None,
    expand_nonconcat_dims: bool | None = None,
) -> SparseTensor:  # fmt: skip
    """SparseTensors joined along an axis; with `expand_nonconcat_dim` the others are enlarged to fit."""
    axis = axis if concat_dim is None else concat_dim
    if not isinstance(sp_inputs, list | tuple):
        raise TypeError("Inputs must be a list of SparseTensors")
    inputs = [_sparse(t) for t in sp_inputs]
    if len(inputs) == 1:
        return inputs[0]
    shapes = [t.dense_shape for t in inputs]
    if expand_nonconcat_dim or expand_nonconcat_dims:
        shapes = _expanded(shapes, int(axis))
    indices, values = [t.indices for t in inputs], [t.values for t in inputs]
    return SparseTensor(*ops.sparse_concat_op(indices, values, shapes, concat_dim=int(axis), name=name))


def _expanded(shapes: list[Tensor], axis: int) -> list[Tensor]:
    largest = definition_of("Max")(definition_of("Pack")(shapes), np.array([0], np.int32), keep_dims=False)
    place = axis if axis >= 0 else axis + (shapes[0].sizes or (0,))[0]  # type: ignore[operator]
    return [concat([largest[:place], s[place : place + 1], largest[place + 1 :]], 0) for s in shapes]


def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The block of a SparseTensor that starts at `start`, of at most `size`."""
    start, size = convert_to_tensor(start, int64), convert_to_tensor(size, int64)
    return SparseTensor(*ops.sparse_slice_op(*_parts(sp_input), start, size, name=name))


def sparse_split(
    keyword_required: Any = None, sp_input: Any = None, num_split: int | None = None, axis: Any = None,
    name: str | None = None, split_dim: Any = None,
) -> list[SparseTensor]:  # fmt: skip
    """A SparseTensor in `num_split` pieces along an axis, the first ones larger where it does not divide."""
    del keyword_required
    axis = split_dim if axis is None else axis
    if sp_input is None or num_split is None or axis is None:
        raise ValueError("sparse_split needs the keyword arguments sp_input, num_split and axis")
    indices, values, dense_shape = _parts(sp_input)
    pieces = ops.sparse_split_op(
        convert_to_tensor(axis, int64), indices, values, dense_shape, num_split=num_split, name=name
    )
    return [SparseTensor(*piece) for piece in zip(*pieces, strict=True)]


def sparse_fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Tensor]:
    """A sparse matrix with `default_value` at [row, 0] of rows without elements, and a mask of these rows."""
    indices, values, dense_shape = _parts(sp_input)
    default = convert_to_tensor(default_value, values.dtype.base_dtype)
    found = ops.sparse_fill_empty_rows_op(indices, values, dense_shape, default, name=name)
    return SparseTensor(found[0], found[1], dense_shape), found[2]


def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements of a SparseTensor for which the bool vector `to_retain` is true."""
    indices, values, dense_shape = _parts(sp_input)
    places = reshape(where_op(convert_to_tensor(to_retain, bool_dtype)), [-1])
    return SparseTensor(gather(indices, places), gather(values, places), dense_shape)


def sparse_mask(a: IndexedSlices, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """IndexedSlices without the slices at `mask_indices`."""
    kept, places = list_diff_op(a.indices, mask_indices, name=name)
    return IndexedSlices(gather(a.values, places), kept, a.dense_shape)


def sparse_to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """A bool tensor whose last dimension, of size `vocab_size`, marks the ids that a row of `sp_input` holds."""
    tensor = _sparse(sp_input)
    ones = SparseTensor(tensor.indices, ones_like(tensor.values, bool_dtype), tensor.dense_shape)
    merged = sparse_merge(tensor, ones, vocab_size)
    return sparse_tensor_to_dense(merged, False, validate_indices=False, name=name)


def sparse_merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False
) -> SparseTensor:
    """The values of one SparseTensor at the ids that another holds: the last dimension becomes `vocab_size`.

    Args:
        sp_ids: ids, or a list of SparseTensors of ids, one a new dimension.
        sp_values: values at the same places.
        vocab_size: the size of the new dimension, or a list of sizes.
        name: accepted for TensorFlow's sake.
        already_sorted: the result needs no sorting.
    """
    del name
    ids = [_sparse(t) for t in (sp_ids if isinstance(sp_ids, list | tuple) else [sp_ids])]
    sizes = list(vocab_size) if isinstance(vocab_size, list | tuple) else [vocab_size]
    values = _sparse(sp_values)
    columns = [reshape(_int64(t.values), [-1, 1]) for t in ids]
    lengths = [reshape(_int64(convert_to_tensor(s)), [1]) for s in sizes]
    indices = concat([ids[0].indices[:, :-1], *columns], 1)
    result = SparseTensor(indices, values.values, concat([ids[0].dense_shape[:-1], *lengths], 0))
    return result if already_sorted else sparse_reorder(result)


def _int64(x: Tensor) -> Tensor:
    result: Tensor = x if x.dtype.base_dtype == int64 else definition_of("Cast")(x, DstT=int64)
    return result


def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """The product of a sparse and a dense matrix, either of them given as its adjoint."""
    parts = _parts(sp_a)
    b = convert_to_tensor(b)
    return sparse_math.sparse_tensor_dense_matmul_op(*parts, b, adjoint_a=adjoint_a, adjoint_b=adjoint_b, name=name)


def _axes(axis: Any, rank_of: Tensor) -> Any:
    if axis is not None:
        return np.ravel(np.array(axis, np.int32))
    rank = rank_of.sizes[0] if rank_of.sizes else None
    if rank is None:
        raise ValueError("The axes must be given where the rank is not known")
    return np.arange(rank, dtype=np.int32)


def sparse_reduce_sum(
    sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The sum over axes, by default all, of a SparseTensor as a dense tensor."""
    parts = _parts(sp_input)
    axes = _axes(reduction_axes if axis is None else axis, parts[2])
    return sparse_math.sparse_reduce_sum_op(*parts, axes, keep_dims=bool(keepdims or keep_dims))


def sparse_reduce_max(
    sp_input: Any, axis: Any = None, keepdims: bool | None = None, reduction_axes: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The maximum over axes of a SparseTensor's elements as a dense tensor, zero where there are none."""
    parts = _parts(sp_input)
    axes = _axes(reduction_axes if axis is None else axis, parts[2])
    return sparse_math.sparse_reduce_max_op(*parts, axes, keep_dims=bool(keepdims or keep_dims))


def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """The sum of two tensors, at least one of them sparse: sparse if both are, without elements below `threshold`."""
    limit = thresh if threshold is None else threshold
    limit = 0 if limit is None else limit
    if not hasattr(a, "dense_shape") and not hasattr(b, "dense_shape"):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if hasattr(a, "dense_shape") and hasattr(b, "dense_shape"):
        first, second = _parts(a), _parts(b)
        real = first[1].dtype.base_dtype.real_dtype
        return SparseTensor(*sparse_math.sparse_add_op(*first, *second, convert_to_tensor(limit, real)))
    sparse, dense = (a, b) if hasattr(a, "dense_shape") else (b, a)
    return sparse_math.sparse_tensor_dense_add_op(*_parts(sparse), dense)


def sparse_softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The softmax over the present elements of the last dimension."""
    indices, values, dense_shape = _parts(sp_input)
    found = sparse_math.sparse_softmax_op(indices, values, dense_shape, name=name)
    return SparseTensor(indices, found, dense_shape)


def sparse_dense_cwise_add(sp_input: Any, dense: Any, name: str | None = None) -> SparseTensor:
    """The elements of a SparseTensor plus those of a dense tensor that broadcasts to its shape."""
    indices, values, dense_shape = _parts(sp_input)
    found = sparse_math.sparse_dense_add_op(indices, values, dense_shape, dense, name=name)
    return SparseTensor(indices, found, dense_shape)


def sparse_dense_cwise_mul(sp_input: Any, dense: Any, name: str | None = None) -> SparseTensor:
    """The elements of a SparseTensor times those of a dense tensor that broadcasts to its shape."""
    indices, values, dense_shape = _parts(sp_input)
    found = sparse_math.sparse_dense_mul_op(indices, values, dense_shape, dense, name=name)
    return SparseTensor(indices, found, dense_shape)


def sparse_dense_cwise_div(sp_input: Any, dense: Any, name: str | None = None) -> SparseTensor:
    """The elements of a SparseTensor divided by those of a dense tensor that broadcasts to its shape."""
    indices, values, dense_shape = _parts(sp_input)
    found = sparse_math.sparse_dense_div_op(indices, values, dense_shape, dense, name=name)
    return SparseTensor(indices, found, dense_shape)


def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """A SparseTensor with its dimensions in the order `perm`, reversed by default."""
    indices, values, dense_shape = _parts(sp_input)
    if perm is None:
        rank = (dense_shape.sizes or (None,))[0]
        if rank is None:
            raise ValueError("perm must be given where the rank is not known")
        perm = np.arange(rank - 1, -1, -1, dtype=np.int32)
    moved = SparseTensor(gather(indices, perm, axis=1), values, gather(dense_shape, perm))
    return sparse_reorder(moved, name)


def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """A SparseTensor with the smallest dense shape that holds its elements, or with `new_shape`, which must be larger."""
    indices, values, _ = _parts(sp_input)
    if new_shape is None:
        most = definition_of("Max")(indices, np.array([0], np.int32), keep_dims=False)
        return SparseTensor(indices, values, definition_of("Maximum")(most, np.int64(-1)) + 1)
    wanted = _int64(convert_to_tensor(new_shape))
    known, old = constant_value(wanted), constant_value(_sparse(sp_input).dense_shape)
    if known is not None and old is not None and (len(known) != len(old) or (known < old).any()):
        raise ValueError(f"New shape should have dimension sizes >= sp_input.shape: {known.tolist()} < {old.tolist()}")
    return SparseTensor(indices, values, wanted)


def sparse_cross(inputs: Any, name: str | None = None) -> SparseTensor:
    """For each row all combinations of one value a column, strings joined by "_X_"."""
    return _cross(inputs, False, 0, None, name)


def sparse_cross_hashed(
    inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None
) -> SparseTensor:
    """For each row the hashes, modulo `num_buckets` if that is not 0, of all combinations of one value a column."""
    return _cross(inputs, True, num_buckets, hash_key, name)


def _cross(inputs: Any, hashed: bool, num_buckets: int, hash_key: int | None, name: str | None) -> SparseTensor:
    if not isinstance(inputs, list | tuple):
        raise TypeError("Inputs must be a list")
    sparse = [_sparse(t) for t in inputs if hasattr(t, "dense_shape")]
    dense = [convert_to_tensor(t) for t in inputs if not hasattr(t, "dense_shape")]
    values = [t.values if t.values.dtype.base_dtype == string else _int64(t.values) for t in sparse]
    dense = [t if t.dtype.base_dtype == string else _int64(t) for t in dense]
    out = int64 if hashed else string
    found = sparse_cross_op(
        [t.indices for t in sparse], values, [t.dense_shape for t in sparse], dense, hashed_output=hashed,
        num_buckets=num_buckets, hash_key=hash_key or DEFAULT_HASH_KEY, out_type=out, internal_type=out, name=name,
    )  # fmt: skip
    return SparseTensor(*found)


def edit_distance(hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance") -> Tensor:
    """The Levenshtein distance between sequences along the last dimension of two SparseTensors.

    Args:
        hypothesis: sequences in the order of their elements.
        truth: sequences of the same dtype and rank.
        normalize: divide by the length of the truth; inf where that is 0 and the hypothesis is not empty.
        name: the operation's name.

    Returns:
        float32 of the shape without the last dimension.
    """
    return edit_distance_op(*_parts(hypothesis), *_parts(truth), normalize=normalize, name=name)
