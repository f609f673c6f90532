"""From what a caller passes to an op to tensors: dtype attributes are found, Python values become constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .conversion import convert_to_tensor, local
from .dtypes import ALL, INDEX, DType, as_dtype, int32
from .graph import Graph, Tensor
from .signatures import Argument
from .source import user_line

if TYPE_CHECKING:
    from .registry import Op


def resolve_types(definition: Op[..., Any], values: Sequence[Any], attrs: dict[str, Any]) -> dict[str, Any]:
    """The dtype attributes that tensors and arrays among the inputs fix; the rest follows from conversion."""
    used = {a.type_attr for a in definition.inputs} | set(definition.type_attributes)
    types: dict[str, Any] = {name: attrs[name] for name in used if name is not None and attrs.get(name) is not None}
    for find in (_tensor_dtype, _array_dtype):
        for argument, value in zip(definition.inputs, values, strict=True):
            attr = argument.type_attr
            if attr is None or attr in types:
                continue
            dtype = _first_dtype(find, value) if argument.is_list else find(value)
            if dtype is not None:
                types[attr] = dtype
    return types


def _tensor_dtype(value: Any) -> DType | None:
    dtype = getattr(value, "dtype", None)
    return dtype.base_dtype if isinstance(dtype, DType) else None


def _array_dtype(value: Any) -> DType | None:
    return as_dtype(value.dtype) if isinstance(value, np.ndarray | np.generic) else None


def _first_dtype(find: Any, value: Any) -> DType | None:
    items = value if isinstance(value, list | tuple) else []
    return next((dtype for dtype in map(find, items) if dtype is not None), None)


def convert_inputs(
    definition: Op[..., Any], values: Sequence[Any], types: dict[str, Any], graph: Graph, full_name: str
) -> list[list[Tensor]]:
    """The inputs as tensors of `graph`, one list an argument; fills in `types` as they become known."""
    groups: list[list[Tensor]] = []
    scope: Any = None
    try:
        for argument, value in zip(definition.inputs, values, strict=True):
            if scope is None and not isinstance(value, Tensor):
                # Constants that stand for Python values are named after the operation, as in TensorFlow.
                scope = graph.name_scope(full_name + "/")
                scope.__enter__()
            groups.append(_convert(definition, argument, value, types))
    except TypeError as error:
        text = str(error)
        where = "" if "made at " in text else f"; {definition.type} operation {full_name!r}, made at {user_line()}"
        raise TypeError(text + where) from None
    finally:
        if scope is not None:
            scope.__exit__(None, None, None)
    for name, kind in definition.type_attributes.items():
        if kind == "type" and name not in types:
            raise TypeError(
                f"{definition.type}: the dtype {name!r} cannot be told from the inputs; pass it as an attribute"
            )
    return groups


def _convert(definition: Op[..., Any], argument: Argument, value: Any, types: dict[str, Any]) -> list[Tensor]:
    if not argument.is_list:
        return [_convert_one(definition, argument, value, types, argument.name)]
    if not isinstance(value, list | tuple):
        raise TypeError(
            f"{definition.type}: the input {argument.name!r} takes a list of tensors, got {type(value).__name__}"
        )
    return [_convert_one(definition, argument, v, types, f"{argument.name}_{i}") for i, v in enumerate(value)]


def _convert_one(definition: Op[..., Any], argument: Argument, value: Any, types: dict[str, Any], name: str) -> Tensor:
    wanted = argument.dtype if argument.dtype is not None else types.get(argument.type_attr or "")
    if isinstance(value, list | tuple) and not value and wanted is None:
        # No entries tell no dtype: for shapes and axes it is int32, as in TensorFlow.
        wanted = int32 if definition.constraints.get(argument.type_attr or "") == INDEX else None
    if isinstance(value, Tensor):
        tensor = value
    else:
        try:
            tensor = convert_to_tensor(value, wanted, name, as_ref=argument.is_ref)
        except (TypeError, ValueError) as error:
            raise type(error)(_bad_input(definition, argument, wanted, f"{value!r:.200}: {error}")) from None
    dtype = tensor.dtype.base_dtype
    if wanted is not None and dtype != wanted:
        raise TypeError(_bad_input(definition, argument, wanted, f"{tensor.name} of type {dtype.name}"))
    if argument.type_attr is not None:
        check_allowed(definition, argument.type_attr, dtype, argument.name)
        types.setdefault(argument.type_attr, dtype)
    elif argument.list_attr is not None:
        check_allowed(definition, argument.list_attr, dtype, argument.name)
    if argument.is_ref and not tensor.dtype._is_ref_dtype:
        raise TypeError(
            f"{definition.type}: the input {argument.name!r} needs a variable, got the tensor {tensor.name}"
        )
    return local(tensor)


def check_allowed(definition: Op[..., Any], attribute: str, dtype: DType, name: str) -> None:
    """Raises TypeError unless `dtype` is among those the op takes."""
    allowed = definition.constraints.get(attribute, ALL)
    if dtype not in allowed:
        names = ", ".join(d.name for d in allowed)
        raise TypeError(f"{definition.type}: the input {name!r} has type {dtype.name}, not one of: {names}")


def _bad_input(definition: Op[..., Any], argument: Argument, wanted: DType | None, got: str) -> str:
    kind = "a known dtype" if wanted is None else f"type {wanted.name}"
    return f"Input {argument.name!r} of {definition.type} Op expected {kind}, got {got}"
