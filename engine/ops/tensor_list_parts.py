"""Tensor lists as ops, continued: several items at once (gather, scatter) and items of different lengths (concat, split)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, DType
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, scalar_shape
from ..list_value import ListValue, owned
from ..registry import op
from ..shapes import TensorShape
from .array import shape
from .tensor_list import (
    element_shape_of,
    element_sizes,
    stacked,
    tensor_list_length_op,
    tensor_list_zeros_op,
)  # fmt: skip

Gradients = list[Any]


@op("TensorListGather", "input_handle: variant, indices: int32, element_shape: int32", "values: element_dtype",
    foldable=False)  # fmt: skip
def tensor_list_gather_op(
    input_handle: Any, indices: Any, element_shape: Any, *, element_dtype: DType, name: str | None = None
) -> Tensor:
    """The items at `indices`, stacked."""


@tensor_list_gather_op.shape
def tensor_list_gather_shape(context: InferenceContext) -> list[Sizes]:
    sizes = None if context.sizes[2] == () else context.shape_value(2)
    count = context.sizes[1][0] if context.sizes[1] else None
    return [None if sizes is None else (count, *sizes)]


@tensor_list_gather_op.kernel
def tensor_list_gather_kernel(xp: Any, x: Any, indices: Any, element_shape: Any, *, element_dtype: DType) -> Any:
    sizes = element_sizes(element_shape)
    return stacked(x, [x.get(int(i), sizes) for i in indices], sizes)


@tensor_list_gather_op.gradient
def tensor_list_gather_gradient(op: Operation, dvalues: Tensor) -> Gradients:
    zeros = tensor_list_zeros_op(op.inputs[0])
    return [_add_items_op(zeros, dvalues, op.inputs[1]), None, None]


@op("_TensorListAddItems", "input_handle: variant, tensor: element_dtype, indices: int32", "output_handle: variant",
    shape=scalar_shape, foldable=False)  # fmt: skip
def _add_items_op(input_handle: Any, tensor: Any, indices: Any, *, name: str | None = None) -> Tensor:
    """The list with the slices of `tensor` added to the items at `indices`, which may repeat."""


@_add_items_op.kernel
def add_items_kernel(xp: Any, x: Any, tensor: Any, indices: Any) -> Any:
    items = list(x.items())
    for i, part in zip(indices, tensor, strict=True):
        items[i] = np.array(part) if items[i] is None else items[i] + part
    return ListValue(x.dtype, x.sizes, items)


@_add_items_op.gradient
def add_items_gradient(op: Operation, dlist: Tensor) -> Gradients:
    tensor, indices = op.inputs[1:]
    return [dlist, _gathered(dlist, indices, tensor), None]


def _gathered(dlist: Tensor, indices: Tensor, like: Tensor) -> Tensor:
    sizes = None if like.sizes is None else like.sizes[1:]
    element = element_shape_of(sizes) if sizes is not None and None not in sizes else shape(like)[1:]
    return tensor_list_gather_op(dlist, indices, element, element_dtype=like.dtype.base_dtype)


@op("TensorListScatterV2",
    "tensor: element_dtype, indices: int32, element_shape: shape_type, num_elements: int32", "output_handle: variant",
    shape=scalar_shape, foldable=False, shape_type=INDEX)  # fmt: skip
def tensor_list_scatter_v2_op(
    tensor: Any, indices: Any, element_shape: Any, num_elements: Any, *, name: str | None = None
) -> Tensor:
    """A list with the slices of `tensor` at `indices`; -1 for num_elements makes it as long as they need."""


@tensor_list_scatter_v2_op.kernel
def tensor_list_scatter_v2_kernel(xp: Any, tensor: Any, indices: Any, element_shape: Any, num_elements: Any) -> Any:
    count = int(num_elements) if num_elements >= 0 else int(max(indices, default=-1)) + 1
    x = ListValue(tensor.dtype, element_sizes(element_shape), [None] * count)
    return _scattered(x, tensor, indices, False)


def _scattered(x: ListValue, tensor: Any, indices: Any, once: bool) -> ListValue:
    if len(indices) != len(tensor):
        raise InvalidArgumentError(
            None, None, f"Expected as many indices as slices of the tensor, got {len(indices)} and {len(tensor)}"
        )
    items = list(x.items())
    for i, part in zip(indices, tensor, strict=True):
        if not 0 <= i < len(items):
            raise InvalidArgumentError(
                None, None, f"Trying to scatter to index {i} of a list with {len(items)} elements."
            )
        if once and items[i] is not None:
            raise InvalidArgumentError(
                None, None, f"Could not write to TensorArray index {i} because it has already been written to."
            )
        items[i] = owned(np.asarray(part, tensor.dtype))
    return ListValue(x.dtype, x.sizes, items)


@tensor_list_scatter_v2_op.gradient
def tensor_list_scatter_v2_gradient(op: Operation, dlist: Tensor) -> Gradients:
    return [_gathered(dlist, op.inputs[1], op.inputs[0]), None, None, None]


@op("TensorListScatter", "tensor: element_dtype, indices: int32, element_shape: shape_type", "output_handle: variant",
    shape=scalar_shape, foldable=False, shape_type=INDEX)  # fmt: skip
def tensor_list_scatter_op(tensor: Any, indices: Any, element_shape: Any, *, name: str | None = None) -> Tensor:
    """A list with the slices of `tensor` at `indices`, as long as they need."""


@tensor_list_scatter_op.kernel
def tensor_list_scatter_kernel(xp: Any, tensor: Any, indices: Any, element_shape: Any) -> Any:
    return tensor_list_scatter_v2_kernel(xp, tensor, indices, element_shape, -1)


@tensor_list_scatter_op.gradient
def tensor_list_scatter_gradient(op: Operation, dlist: Tensor) -> Gradients:
    return [_gathered(dlist, op.inputs[1], op.inputs[0]), None, None]


@op("TensorListScatterIntoExistingList", "input_handle: variant, tensor: element_dtype, indices: int32",
    "output_handle: variant", shape=scalar_shape, foldable=False)  # fmt: skip
def tensor_list_scatter_into_existing_list_op(
    input_handle: Any,
    tensor: Any,
    indices: Any,
    *,
    _once: bool = False,
    _bounded: bool = False,
    name: str | None = None,
) -> Tensor:
    """The list with the slices of `tensor` at `indices`, made longer where they need it.

    With `_once` it is an error to set an item twice, with `_bounded` to make the list longer.
    """


@tensor_list_scatter_into_existing_list_op.kernel
def tensor_list_scatter_into_existing_list_kernel(
    xp: Any, x: Any, tensor: Any, indices: Any, *, _once: bool, _bounded: bool
) -> Any:
    if not _bounded and len(indices):
        x = x.resized(max(x.length, int(max(indices)) + 1))
    return _scattered(x, tensor, indices, _once)


@tensor_list_scatter_into_existing_list_op.gradient
def tensor_list_scatter_into_existing_list_gradient(op: Operation, dlist: Tensor) -> Gradients:
    handle, tensor, indices = op.inputs
    kept = _without_items_op(dlist, indices, tensor_list_length_op(handle))
    return [kept, _gathered(dlist, indices, tensor), None]


@op("_TensorListWithoutItems", "input_handle: variant, indices: int32, length: int32", "output_handle: variant",
    shape=scalar_shape, foldable=False)  # fmt: skip
def _without_items_op(input_handle: Any, indices: Any, length: Any, *, name: str | None = None) -> Tensor:
    """The list cut to `length`, with nothing at `indices`."""


@_without_items_op.kernel
def without_items_kernel(xp: Any, x: Any, indices: Any, length: Any) -> Any:
    gone = {int(i) for i in indices}
    items = [None if i in gone else item for i, item in enumerate(x.items())]
    return ListValue(x.dtype, x.sizes, items[: int(length)])


# Items of different lengths


@op("TensorListConcat", "input_handle: variant", "tensor: element_dtype, lengths: int64", foldable=False)
def tensor_list_concat_op(
    input_handle: Any, *, element_dtype: DType, element_shape: TensorShape | None = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """All items joined along their first axis, and their lengths along it."""


@tensor_list_concat_op.shape
def tensor_list_concat_shape(context: InferenceContext) -> list[Sizes]:
    sizes = None if context["element_shape"] is None else context["element_shape"].sizes
    return [None if sizes is None else (None, *sizes[1:]), (None,)]


@tensor_list_concat_op.kernel
def tensor_list_concat_kernel(xp: Any, x: Any, *, element_dtype: DType, element_shape: Any) -> Any:
    sizes = None if element_shape is None else element_shape.sizes
    items = x.all_items(sizes)
    if any(item.ndim == 0 for item in items):
        raise InvalidArgumentError(None, None, "Concat saw a scalar shape: elements must have at least one dimension")
    if len({item.shape[1:] for item in items}) > 1:
        raise InvalidArgumentError(
            None, None, f"Concat saw elements of inconsistent shapes: {[list(i.shape) for i in items]}"
        )
    rest = tuple(s or 0 for s in (sizes or x.sizes or ())[1:])
    joined = np.concatenate(items) if items else np.zeros((0, *rest), x.dtype)
    return joined, np.array([len(item) for item in items], np.int64)


@tensor_list_concat_op.gradient
def tensor_list_concat_gradient(op: Operation, dtensor: Any, dlengths: Any) -> Gradients:
    sizes = None if dtensor.sizes is None else (None, *dtensor.sizes[1:])
    return [tensor_list_split_op(dtensor, element_shape_of(sizes), op.outputs[1])]


@op("TensorListSplit", "tensor: element_dtype, element_shape: shape_type, lengths: int64", "output_handle: variant",
    shape=scalar_shape, foldable=False, shape_type=INDEX)  # fmt: skip
def tensor_list_split_op(tensor: Any, element_shape: Any, lengths: Any, *, name: str | None = None) -> Tensor:
    """A tensor cut along its first axis into items of the given lengths."""


@tensor_list_split_op.kernel
def tensor_list_split_kernel(xp: Any, tensor: Any, element_shape: Any, lengths: Any) -> Any:
    if (lengths < 0).any() or lengths.sum() != len(tensor):
        raise InvalidArgumentError(
            None, None,
            f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {lengths.sum()} "
            f"and value's shape is: {list(tensor.shape)}",
        )  # fmt: skip
    parts = np.split(tensor, np.cumsum(lengths)[:-1]) if len(lengths) else []
    return ListValue(tensor.dtype, element_sizes(element_shape), [np.array(part) for part in parts])


@tensor_list_split_op.gradient
def tensor_list_split_gradient(op: Operation, dlist: Tensor) -> Gradients:
    sizes = op.inputs[0].sizes
    element = None if sizes is None else TensorShape((None, *sizes[1:]))
    joined, _ = tensor_list_concat_op(dlist, element_dtype=op.inputs[0].dtype.base_dtype, element_shape=element)
    return [joined, None, None]
