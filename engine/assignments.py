"""Assigning to variables, whole or in part: `assign`, `scatter_update` and their kin, for references and resources."""

from __future__ import annotations

from typing import Any

from .conversion import convert_to_tensor
from .dtypes import DType
from .graph import Tensor
from .ops.array import reshape, shape_op, stack
from .ops.array_parts import zeros_like
from .ops.ranges import range as range_of
from .ops.variable_scatter import SCATTER_ND_OPS, SCATTER_OPS
from .ops.variables import assign_add_op, assign_op, assign_sub_op, count_up_to_op, is_variable_initialized_op
from .scopes import name_scope
from .shapes import merge_sizes
from .tensor_types import IndexedSlices


def is_reference(ref: Any) -> bool:
    """Whether `ref` is a variable by reference (or its tensor) and not a resource; TypeError for what is neither."""
    dtype = getattr(ref, "dtype", None)
    if isinstance(dtype, DType) and dtype._is_ref_dtype:
        return True
    if isinstance(ref, Tensor) or not hasattr(ref, "assign"):
        raise TypeError(f"Expected a variable to write to, got {ref!r}")
    return False


def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None, name: str | None = None
) -> Tensor:
    """Writes `value` to the variable `ref`.

    Args:
        ref: a variable.
        value: a tensor of its dtype and, unless `validate_shape` is False, its shape.

    Returns:
        A tensor with the variable's value after the assignment.

    Raises:
        ValueError: the shapes differ.
    """
    if not is_reference(ref):
        result: Tensor = ref.assign(value, name=name)
        return result
    checks = True if validate_shape is None else validate_shape
    return assign_op(ref, value, validate_shape=checks, use_locking=use_locking is not False, name=name)


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Adds `value` to the variable `ref`; gives its value after that."""
    if not is_reference(ref):
        result: Tensor = ref.assign_add(value, name=name)
        return result
    return assign_add_op(ref, value, use_locking=bool(use_locking), name=name)


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Subtracts `value` from the variable `ref`; gives its value after that."""
    if not is_reference(ref):
        result: Tensor = ref.assign_sub(value, name=name)
        return result
    return assign_sub_op(ref, value, use_locking=bool(use_locking), name=name)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """The value of the scalar integer variable `ref` before it is raised by one; OutOfRangeError once it is `limit`."""
    if not is_reference(ref):
        result: Tensor = ref.count_up_to(limit)
        return result
    return count_up_to_op(ref, limit=limit, name=name)


def is_variable_initialized(ref: Any, name: str | None = None) -> Tensor:
    """A bool tensor: whether the variable `ref` has a value."""
    if not is_reference(ref):
        result: Tensor = ref.is_initialized(name=name)
        return result
    return is_variable_initialized_op(ref, name=name)


def _scatter(table: Any, word: str, ref: Any, indices: Any, updates: Any, use_locking: bool, name: str | None) -> Any:
    by_reference, by_handle = table[word]
    if is_reference(ref):
        return by_reference(ref, indices, updates, use_locking=use_locking, name=name)
    indices = convert_to_tensor(indices)
    updates = convert_to_tensor(updates, ref.dtype.base_dtype)
    _check_scatter(by_handle, ref, indices, updates)
    return ref._read_after(by_handle(ref.handle, indices, updates, name=name))


def _check_scatter(definition: Any, ref: Any, indices: Tensor, updates: Tensor) -> None:
    # A handle does not tell the variable's shape: the rule of the op on references does.
    sizes, places, new = ref.shape.sizes, indices.sizes, updates.sizes
    if definition.type.startswith("ResourceScatterNd") or sizes is None or places is None or not new:
        return

    try:
        merge_sizes(new, (*places, *sizes[1:]))
    except ValueError as error:
        raise ValueError(
            f"{definition.type} on {ref.name!r} of shape {ref.shape}: updates do not fit: {error}"
        ) from None


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Writes the rows `updates[i]` to the rows `indices[i]` of a variable.

    Args:
        ref: a variable [rows, ...].
        indices: int32 or int64 of any shape; each in [0, rows).
        updates: shape `indices.shape + ref.shape[1:]`, or a scalar.

    Raises:
        InvalidArgumentError: an index is out of range; nothing is written then.
    """
    return _scatter(SCATTER_OPS, "update", ref, indices, updates, use_locking, name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Adds the rows `updates[i]` to the rows `indices[i]` of a variable; equal indices add up."""
    return _scatter(SCATTER_OPS, "add", ref, indices, updates, use_locking, name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtracts the rows `updates[i]` from the rows `indices[i]` of a variable."""
    return _scatter(SCATTER_OPS, "sub", ref, indices, updates, use_locking, name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Multiplies the rows `indices[i]` of a variable by the rows `updates[i]`."""
    return _scatter(SCATTER_OPS, "mul", ref, indices, updates, use_locking, name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Divides the rows `indices[i]` of a variable by the rows `updates[i]`."""
    return _scatter(SCATTER_OPS, "div", ref, indices, updates, use_locking, name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Replaces the rows `indices[i]` of a variable by the smaller of them and `updates[i]`, element-wise."""
    return _scatter(SCATTER_OPS, "min", ref, indices, updates, use_locking, name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Replaces the rows `indices[i]` of a variable by the larger of them and `updates[i]`, element-wise."""
    return _scatter(SCATTER_OPS, "max", ref, indices, updates, use_locking, name)


def scatter_nd_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Writes `updates[i]` to the element or slice of a variable that the row `indices[i]` names."""
    return _scatter(SCATTER_ND_OPS, "update", ref, indices, updates, use_locking, name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Adds `updates[i]` to the element or slice of a variable that the row `indices[i]` names; equal rows add up."""
    return _scatter(SCATTER_ND_OPS, "add", ref, indices, updates, use_locking, name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtracts `updates[i]` from the element or slice of a variable that the row `indices[i]` names."""
    return _scatter(SCATTER_ND_OPS, "sub", ref, indices, updates, use_locking, name)


def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Writes `updates[b..., i]` to the slice `indices[b..., i]` of the batch `b...` of a variable.

    Args:
        ref: a variable [batches..., rows, ...].
        indices: int32 or int64 [batches..., n].
        updates: `indices.shape + ref.shape[rank of indices:]`.

    Raises:
        ValueError: the rank of the indices is not known.
    """
    with name_scope(name, "batch_scatter_update", [indices, updates]):
        places = convert_to_tensor(indices)
        rank = places.shape.rank
        if rank is None or rank == 0:
            raise ValueError(f"batch_scatter_update needs indices of known rank, at least 1; got {places}")
        sizes = shape_op(places, out_type=places.dtype)
        columns = [places]
        for axis in reversed(range(rank - 1)):
            numbers = reshape(range_of(sizes[axis]), [-1] + [1] * (rank - 1 - axis))
            columns.insert(0, numbers + zeros_like(places))
        return scatter_nd_update(ref, stack(columns, axis=-1), updates, use_locking)


def scatter_slices(ref: Any, word: str, delta: Any, use_locking: bool, name: str | None) -> Any:
    """Combines a variable with IndexedSlices; TypeError for anything else."""
    if not isinstance(delta, IndexedSlices):
        raise TypeError(f"sparse_delta is not IndexedSlices: {delta}")
    return _scatter(SCATTER_OPS, word, ref, delta.indices, delta.values, use_locking, name)
