"""Values known while the graph is built: constants, shapes, and small arithmetic on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .dtypes import as_dtype
from .graph import Operation, Sizes, Tensor
from .shapes import is_static

# Folding is for shapes, axes and the like; bigger values are left to the rewriting passes.
LARGEST = 4096
_DEEPEST = 40
_UNKNOWN = object()


def constant_value(tensor: Tensor, partial: bool = False) -> np.ndarray[Any, Any] | None:
    """The value of `tensor` as an array if it can be computed without running the graph, else None.

    As TensorFlow 1.15's `tf.contrib.util.constant_value`, and more: any stateless op on known values.
    """
    del partial
    values = _values(tensor.op, 0)
    return None if values is None else values[tensor.value_index]


def _values(op: Operation, depth: int) -> list[Any] | None:
    if op.constant_cache is None:
        found = _compute(op, depth)
        if found is None and depth > 0:
            return None
        op.constant_cache = _UNKNOWN if found is None else found
    return None if op.constant_cache is _UNKNOWN else op.constant_cache


def _compute(op: Operation, depth: int) -> list[Any] | None:
    if op.type == "Const":
        return [op.attrs["value"]]
    if op.type in _FROM_SHAPE:
        sizes = op.inputs[0].sizes
        return None if sizes is None or None in sizes else [_FROM_SHAPE[op.type](sizes, op.attrs)]
    if op.type == "Rank":
        return None if op.inputs[0].sizes is None else [np.array(len(op.inputs[0].sizes), np.int32)]
    if depth > _DEEPEST or not _small(op):
        return None
    return _evaluate(op, depth)


def _small(op: Operation) -> bool:
    return all(is_static(t.sizes) and math.prod(t.sizes) <= LARGEST for t in op.outputs)


def _evaluate(op: Operation, depth: int) -> list[Any] | None:
    from .registry import find_definition  # the registry's shape rules use this module

    definition = find_definition(op.type)
    if (
        definition is None
        or not definition.foldable
        or op.control_inputs
        or any(t.dtype._is_ref_dtype for t in op.inputs)
    ):
        return None
    inputs = []
    for tensor in op.inputs:
        values = _values(tensor.op, depth + 1)
        if values is None:
            return None
        inputs.append(values[tensor.value_index])
    try:
        return evaluate_kernel(definition, inputs, op.attrs, [t.dtype.numpy for t in op.outputs])
    except Exception:
        # The operation will raise it, with its name, if it ever runs.
        return None


def evaluate_kernel(definition: Any, inputs: list[Any], attrs: dict[str, Any], dtypes: list[Any]) -> list[Any] | None:
    """The outputs of a stateless op on arrays by its reference kernel; None where that is not possible."""
    expression = definition.expression(as_dtype(inputs[0].dtype), attrs) if inputs and definition.scalar_rule else None
    function = expression.evaluate if expression else definition.kernel_function
    if function is None:
        return None
    arguments = definition.group_inputs(inputs, attrs)
    with np.errstate(all="ignore"):
        if expression:
            results = function(*arguments)
        else:
            results = function(np, *arguments, **definition.kernel_attrs(attrs))
    flat = flatten_outputs(definition, results)
    return [np.asarray(r, d) for r, d in zip(flat, dtypes, strict=True)]


def flatten_outputs(definition: Any, results: Any) -> list[Any]:
    """A kernel's result as one array an output tensor."""
    if not definition.outputs:
        return []
    if len(definition.outputs) == 1 and not definition.outputs[0].is_list:
        return [results]
    flat: list[Any] = []
    groups = results if len(definition.outputs) > 1 else [results]
    for argument, group in zip(definition.outputs, groups, strict=True):
        flat.extend(group if argument.is_list else [group])
    return flat


_FROM_SHAPE: dict[str, Any] = {
    "Shape": lambda sizes, attrs: np.array(sizes, attrs["out_type"].numpy),
    "Size": lambda sizes, attrs: np.array(int(np.prod(sizes, dtype=np.int64)), attrs["out_type"].numpy),
}


def constant_sizes(tensor: Tensor) -> Sizes:
    """`tensor`, a vector of sizes, as a partly known shape: what reshape, fill or zeros will make."""
    value = constant_value(tensor)
    if value is not None:
        return tuple(None if size < 0 else int(size) for size in np.ravel(value))
    rule = _PARTIAL.get(tensor.op.type)
    if rule is not None:
        found = rule(tensor.op)
        if found is not None:
            return found  # type: ignore[no-any-return]
    if tensor.sizes is not None and len(tensor.sizes) == 1 and tensor.sizes[0] is not None:
        return (None,) * tensor.sizes[0]
    return None


def _pack_sizes(op: Operation) -> Sizes:
    values = [constant_value(t) for t in op.inputs]
    return tuple(None if v is None or v.ndim or int(v) < 0 else int(v) for v in values)


def _concat_sizes(op: Operation) -> Sizes:
    parts = [constant_sizes(t) for t in op.inputs[:-1]]
    return None if None in parts else tuple(size for part in parts for size in part or ())


def _slice_sizes(op: Operation) -> Sizes:
    whole = constant_sizes(op.inputs[0])
    begin, end, strides = (constant_value(t) for t in op.inputs[1:])
    attrs = op.attrs
    if whole is None or begin is None or end is None or strides is None or begin.size != 1:
        return None
    if attrs["shrink_axis_mask"] or attrs["new_axis_mask"] or attrs["ellipsis_mask"]:
        return None
    start = None if attrs["begin_mask"] else int(begin[0])
    stop = None if attrs["end_mask"] else int(end[0])
    return whole[slice(start, stop, int(strides[0]))]


_PARTIAL: dict[str, Any] = {
    "Shape": lambda op: op.inputs[0].sizes,
    "Pack": _pack_sizes,
    "ConcatV2": _concat_sizes,
    "StridedSlice": _slice_sizes,
    "Cast": lambda op: constant_sizes(op.inputs[0]),
    "Identity": lambda op: constant_sizes(op.inputs[0]),
}
