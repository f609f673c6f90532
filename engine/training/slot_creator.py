"""Slots: variables that belong to other variables, such as an optimizer's running means, named `variable/slot`."""

from __future__ import annotations

from typing import Any

from ..conversion import convert_to_tensor
from ..graph import get_default_graph
from ..initializers import zeros_initializer
from ..ops.array import shape as shape_of
from ..ops.array_parts import zeros
from ..shapes import TensorShape
from ..variable_protos import SaveSliceInfo
from ..variable_scope import get_variable, get_variable_scope, variable_scope
from ..variables import ResourceVariable, Variable


def _prefix(primary: Any) -> str:
    return str(primary._shared_name if isinstance(primary, Variable) else primary.op.name)


def _make(primary: Any, value: Any, shape: Any, dtype: Any, name: str, colocate: bool) -> Any:
    validate = shape is not None or value.shape.is_fully_defined()
    with variable_scope(None, f"{_prefix(primary)}/{name}"):
        if not colocate:
            return _slot_variable(primary, value, shape, dtype, validate)
        with get_default_graph().colocate_with(primary.op):
            return _slot_variable(primary, value, shape, dtype, validate)


def _slot_variable(primary: Any, value: Any, shape: Any, dtype: Any, validate: bool) -> Any:
    scope = get_variable_scope()
    # A slot of a slice is a slice already.
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    try:
        slot = get_variable(
            "",
            shape,
            dtype,
            initializer=value,
            trainable=False,
            use_resource=isinstance(primary, ResourceVariable),
            validate_shape=validate,
        )
    finally:
        scope.set_partitioner(partitioner)
    if isinstance(primary, Variable) and primary._save_slice_info is not None:
        info = primary._save_slice_info
        slot_name = slot.op.name[len(primary.op.name) + 1 :]
        slot._set_save_slice_info(
            SaveSliceInfo(f"{info.full_name}/{slot_name}", info.full_shape, info.var_offset, info.var_shape)
        )
    return slot


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """A variable `primary/name` that starts from the tensor `val`."""
    return _make(primary, convert_to_tensor(val), None, None, name, colocate_with_primary)


def create_slot_with_initializer(
    primary: Any, initializer: Any, shape: Any, dtype: Any, name: str, colocate_with_primary: bool = True
) -> Any:
    """A variable `primary/name` of the given shape and dtype that starts from what `initializer` makes."""
    return _make(primary, initializer, TensorShape(shape), dtype, name, colocate_with_primary)


def create_zeros_slot(primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True) -> Any:
    """A variable `primary/name` of `primary`'s shape that starts from zeros."""
    dtype = primary.dtype.base_dtype if dtype is None else dtype
    static = primary.get_shape()
    if static.is_fully_defined():
        return create_slot_with_initializer(primary, zeros_initializer(), static, dtype, name, colocate_with_primary)
    value = primary.initialized_value() if isinstance(primary, Variable) else primary
    return create_slot(primary, zeros(shape_of(value), dtype), name, colocate_with_primary)
