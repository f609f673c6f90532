"""Tensor lists as ops: values of dtype variant that hold a list of tensors. TensorArray is built on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, DType, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, scalar_shape, unknown
from ..list_value import ListValue, owned
from ..registry import op
from ..shapes import merge_sizes
from .array import shape

Gradients = list[Any]


def element_sizes(value: Any) -> Sizes:
    """An element_shape input as sizes: -1 as a scalar for an unknown rank, -1 inside for unknown sizes."""
    if np.ndim(value) == 0:
        return None
    return tuple(None if size < 0 else int(size) for size in value)


def _known_element(context: InferenceContext, index: int) -> Sizes:
    return None if context.sizes[index] == () else context.shape_value(index)


def element_shape_of(sizes: Sizes) -> Any:
    """Sizes as an element_shape input."""
    if sizes is None:
        return np.array(-1, np.int32)
    return np.array([-1 if size is None else size for size in sizes], np.int32)


# Making lists


@op(
    "EmptyTensorList", "element_shape: shape_type, max_num_elements: int32", "handle: variant",
    shape=scalar_shape, foldable=False, lists=(), shape_type=INDEX,
)  # fmt: skip
def empty_tensor_list_op(
    element_shape: Any, max_num_elements: Any, *, element_dtype: DType, name: str | None = None
) -> Tensor:
    """An empty list."""


@empty_tensor_list_op.kernel
def empty_tensor_list_kernel(xp: Any, element_shape: Any, max_num_elements: Any, *, element_dtype: DType) -> Any:
    return ListValue(element_dtype.numpy, element_sizes(element_shape))


@op(
    "TensorListReserve", "element_shape: shape_type, num_elements: int32", "handle: variant",
    shape=scalar_shape, foldable=False, shape_type=INDEX,
)  # fmt: skip
def tensor_list_reserve_op(
    element_shape: Any, num_elements: Any, *, element_dtype: DType, name: str | None = None
) -> Tensor:
    """A list of a given length in which nothing was set."""


@tensor_list_reserve_op.kernel
def tensor_list_reserve_kernel(xp: Any, element_shape: Any, num_elements: Any, *, element_dtype: DType) -> Any:
    if num_elements < 0:
        raise InvalidArgumentError(
            None, None, f"The num_elements to reserve must be a non negative number, got {num_elements}"
        )
    return ListValue(element_dtype.numpy, element_sizes(element_shape), [None] * int(num_elements))


# Their sizes may come from the shape of what is differentiated by.
empty_tensor_list_op.not_differentiable = True
tensor_list_reserve_op.not_differentiable = True


@op(
    "TensorListFromTensor", "tensor: element_dtype, element_shape: shape_type", "output_handle: variant",
    shape=scalar_shape, foldable=False, shape_type=INDEX,
)  # fmt: skip
def tensor_list_from_tensor_op(tensor: Any, element_shape: Any, *, name: str | None = None) -> Tensor:
    """The slices of a tensor along its first axis as a list."""


@tensor_list_from_tensor_op.kernel
def tensor_list_from_tensor_kernel(xp: Any, tensor: Any, element_shape: Any) -> Any:
    return ListValue(tensor.dtype, element_sizes(element_shape), _slices(tensor))


def _slices(tensor: Any) -> list[Any]:
    return [np.array(part) for part in tensor] if tensor.dtype != object else [np.array(p, object) for p in tensor]


@tensor_list_from_tensor_op.gradient
def tensor_list_from_tensor_gradient(op: Operation, dlist: Tensor) -> Gradients:
    tensor = op.inputs[0]
    sizes = None if tensor.sizes is None else tensor.sizes[1:]
    element = element_shape_of(sizes) if sizes is not None and None not in sizes else shape(tensor)[1:]
    stacked = tensor_list_stack_op(dlist, element, element_dtype=tensor.dtype.base_dtype, num_elements=_rows(tensor))
    return [stacked, None]


def _rows(tensor: Tensor) -> int:
    first = tensor.sizes[0] if tensor.sizes else None
    return -1 if first is None else first


@op("_TensorListZeros", "input_handle: variant", "output_handle: variant", shape=scalar_shape, foldable=False)
def tensor_list_zeros_op(input_handle: Any, *, name: str | None = None) -> Tensor:
    """A list of the same length in which nothing was set: the zero of gradients."""


@tensor_list_zeros_op.kernel
def tensor_list_zeros_kernel(xp: Any, x: Any) -> Any:
    return x.zeros()


@tensor_list_zeros_op.gradient
def tensor_list_zeros_gradient(op: Operation, dlist: Tensor) -> Gradients:
    return [None]


@op("_TensorListAdd", "x: variant, y: variant", "z: variant", shape=scalar_shape, foldable=False)
def tensor_list_add_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """Two lists of one length added item by item."""


@tensor_list_add_op.kernel
def tensor_list_add_kernel(xp: Any, x: Any, y: Any) -> Any:
    return x + y


@tensor_list_add_op.gradient
def tensor_list_add_gradient(op: Operation, dlist: Tensor) -> Gradients:
    return [dlist, dlist]


# Stacks


@op("TensorListPushBack", "input_handle: variant, tensor: element_dtype", "output_handle: variant",
    shape=scalar_shape, foldable=False)  # fmt: skip
def tensor_list_push_back_op(input_handle: Any, tensor: Any, *, name: str | None = None) -> Tensor:
    """The list with `tensor` at its end."""


@tensor_list_push_back_op.kernel
def tensor_list_push_back_kernel(xp: Any, x: Any, tensor: Any) -> Any:
    return x.push(owned(tensor))


@tensor_list_push_back_op.gradient
def tensor_list_push_back_gradient(op: Operation, dlist: Tensor) -> Gradients:
    item = op.inputs[1]
    rest, gradient = tensor_list_pop_back_op(dlist, _item_shape(item), element_dtype=item.dtype.base_dtype)
    return [rest, gradient]


def _item_shape(item: Tensor) -> Any:
    if item.dtype.name == "variant":
        return element_shape_of(())
    if item.sizes is not None and None not in item.sizes:
        return element_shape_of(item.sizes)
    return shape(item)


@op("TensorListPopBack", "input_handle: variant, element_shape: int32", "output_handle: variant, tensor: element_dtype",
    foldable=False)  # fmt: skip
def tensor_list_pop_back_op(
    input_handle: Any, element_shape: Any, *, element_dtype: DType, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The list without its last item, and that item; InvalidArgumentError if it is empty."""


@tensor_list_pop_back_op.shape
def tensor_list_pop_back_shape(context: InferenceContext) -> list[Sizes]:
    return [(), _known_element(context, 1)]


@tensor_list_pop_back_op.kernel
def tensor_list_pop_back_kernel(xp: Any, x: Any, element_shape: Any, *, element_dtype: DType) -> Any:
    rest, item = x.pop()
    if item is None:
        item = x.zeros() if element_dtype.name == "variant" else x.zero(element_sizes(element_shape), x.length - 1)
    return rest, item


@tensor_list_pop_back_op.gradient
def tensor_list_pop_back_gradient(op: Operation, drest: Any, ditem: Any) -> Gradients:
    if drest is None:
        drest = tensor_list_zeros_op(op.outputs[0])
    if ditem is None:
        ditem = _zeros_of(op.outputs[1])
    return [tensor_list_push_back_op(drest, ditem), None]


def _zeros_of(item: Tensor) -> Tensor:
    from .array_parts import zeros_like_tensor

    return tensor_list_zeros_op(item) if item.dtype.name == "variant" else zeros_like_tensor(item)


# Items


def _index(index: Any, length: int) -> int:
    if not 0 <= index < length:
        raise InvalidArgumentError(
            None, None, f"Trying to access element {int(index)} in a list with {length} elements."
        )
    return int(index)


@op("TensorListGetItem", "input_handle: variant, index: int32, element_shape: int32", "item: element_dtype",
    foldable=False)  # fmt: skip
def tensor_list_get_item_op(
    input_handle: Any, index: Any, element_shape: Any, *, element_dtype: DType, _once: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The item at `index`, zeros where nothing was set; with `_once` a second reading of it is an error."""


@tensor_list_get_item_op.shape
def tensor_list_get_item_shape(context: InferenceContext) -> list[Sizes]:
    return [_known_element(context, 2)]


@tensor_list_get_item_op.kernel
def tensor_list_get_item_kernel(
    xp: Any, x: Any, index: Any, element_shape: Any, *, element_dtype: DType, _once: bool
) -> Any:
    place = _index(index, x.length)
    if _once:
        read = x.read = set() if x.read is None else x.read
        if place in read:
            raise InvalidArgumentError(
                None, None,
                f"Could not read index {place} twice because it was cleared after a previous read "
                "(perhaps try setting clear_after_read = false?).",
            )  # fmt: skip
        read.add(place)
    return x.get(place, element_sizes(element_shape))


@tensor_list_get_item_op.gradient
def tensor_list_get_item_gradient(op: Operation, ditem: Tensor) -> Gradients:
    handle, index, _ = op.inputs
    return [tensor_list_set_item_op(tensor_list_zeros_op(handle), index, ditem), None, None]


@op("TensorListSetItem", "input_handle: variant, index: int32, item: element_dtype", "output_handle: variant",
    shape=scalar_shape, foldable=False)  # fmt: skip
def tensor_list_set_item_op(
    input_handle: Any, index: Any, item: Any, *, resize_if_index_out_of_bounds: bool = False, _once: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The list with another item at `index`; with `_once` it is an error to set an item twice."""


@tensor_list_set_item_op.kernel
def tensor_list_set_item_kernel(
    xp: Any, x: Any, index: Any, item: Any, *, resize_if_index_out_of_bounds: bool, _once: bool
) -> Any:
    place = int(index)
    if resize_if_index_out_of_bounds and place > x.length:
        x = x.resized(place)
    elif not resize_if_index_out_of_bounds or place < 0:
        _index(place, x.length)
    if _once and place < x.length and x.items()[place] is not None:
        raise InvalidArgumentError(
            None, None, f"Could not write to TensorArray index {place} because it has already been written to."
        )
    return x.set(place, owned(item))


@tensor_list_set_item_op.gradient
def tensor_list_set_item_gradient(op: Operation, dlist: Tensor) -> Gradients:
    handle, index, item = op.inputs
    ditem = tensor_list_get_item_op(dlist, index, _item_shape(item), element_dtype=item.dtype.base_dtype)
    without = _unset_item_op(dlist, index)
    if op.attrs.get("resize_if_index_out_of_bounds"):
        without = tensor_list_resize_op(without, tensor_list_length_op(handle))
    return [without, None, ditem]


@op("_TensorListUnsetItem", "input_handle: variant, index: int32", "output_handle: variant", shape=scalar_shape,
    foldable=False)  # fmt: skip
def _unset_item_op(input_handle: Any, index: Any, *, name: str | None = None) -> Tensor:
    """The list with nothing at `index`."""


@_unset_item_op.kernel
def unset_item_kernel(xp: Any, x: Any, index: Any) -> Any:
    return x.set(_index(index, x.length), None)


@_unset_item_op.gradient
def unset_item_gradient(op: Operation, dlist: Tensor) -> Gradients:
    return [_unset_item_op(dlist, op.inputs[1]), None]


@op("TensorListLength", "input_handle: variant", "length: int32", shape=scalar_shape, foldable=False)
def tensor_list_length_op(input_handle: Any, *, name: str | None = None) -> Tensor:
    """The number of items."""


@tensor_list_length_op.kernel
def tensor_list_length_kernel(xp: Any, x: Any) -> Any:
    return np.array(x.length, np.int32)


tensor_list_length_op.not_differentiable = True


@op(
    "TensorListElementShape", "input_handle: variant", "element_shape: shape_type",
    shape=unknown, foldable=False, shape_type=INDEX,
)  # fmt: skip
def tensor_list_element_shape_op(input_handle: Any, *, shape_type: DType = int32, name: str | None = None) -> Tensor:
    """What is known of the shape of the items, -1 for the rest."""


@tensor_list_element_shape_op.kernel
def tensor_list_element_shape_kernel(xp: Any, x: Any, *, shape_type: DType) -> Any:
    return element_shape_of(x.sizes).astype(shape_type.numpy)


tensor_list_element_shape_op.not_differentiable = True


@op("TensorListResize", "input_handle: variant, size: int32", "output_handle: variant", shape=scalar_shape,
    foldable=False)  # fmt: skip
def tensor_list_resize_op(input_handle: Any, size: Any, *, name: str | None = None) -> Tensor:
    """The list cut to `size` items, or with unset items added."""


@tensor_list_resize_op.kernel
def tensor_list_resize_kernel(xp: Any, x: Any, size: Any) -> Any:
    if size < 0:
        raise InvalidArgumentError(None, None, f"TensorListResize expects size to be non-negative. Got: {size}")
    return x.resized(int(size))


@tensor_list_resize_op.gradient
def tensor_list_resize_gradient(op: Operation, dlist: Tensor) -> Gradients:
    return [tensor_list_resize_op(dlist, tensor_list_length_op(op.inputs[0])), None]


def checked_sizes(first: Sizes, second: Sizes) -> Sizes:
    """What both say of a shape; InvalidArgumentError if they contradict each other."""
    try:
        return merge_sizes(first, second)
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"Tried to stack elements of a list: {error}") from None


@op("TensorListStack", "input_handle: variant, element_shape: int32", "tensor: element_dtype", foldable=False)
def tensor_list_stack_op(
    input_handle: Any, element_shape: Any, *, element_dtype: DType, num_elements: int = -1, name: str | None = None
) -> Tensor:
    """All items, stacked along a new first axis."""


@tensor_list_stack_op.shape
def tensor_list_stack_shape(context: InferenceContext) -> list[Sizes]:
    sizes = _known_element(context, 1)
    count = context["num_elements"]
    return [None if sizes is None else (count if count is not None and count >= 0 else None, *sizes)]


@tensor_list_stack_op.kernel
def tensor_list_stack_kernel(xp: Any, x: Any, element_shape: Any, *, element_dtype: DType, num_elements: int) -> Any:
    if num_elements >= 0 and num_elements != x.length:
        raise InvalidArgumentError(
            None,
            None,
            f"Operation expected a list with {num_elements} elements but got a list with {x.length} elements.",
        )
    return stacked(x, x.all_items(element_sizes(element_shape)), element_sizes(element_shape))


def stacked(x: ListValue, items: list[Any], sizes: Sizes) -> Any:
    """Items of one shape as an array; of none, if there are no items, the known shape."""
    if not items:
        known = checked_sizes(x.sizes, sizes)
        if known is None or None in known:
            raise InvalidArgumentError(
                None, None,
                "Tried to stack elements of an empty list with non-fully-defined element_shape: "
                f"{element_shape_of(known).tolist()}",
            )  # fmt: skip
        return np.zeros((0, *(int(s) for s in known if s is not None)), x.dtype)
    shapes = {np.shape(item) for item in items}
    if len(shapes) > 1:
        raise InvalidArgumentError(None, None, f"Tried to stack list which contains items of shapes {sorted(shapes)}")
    return np.stack(items)


@tensor_list_stack_op.gradient
def tensor_list_stack_gradient(op: Operation, dtensor: Tensor) -> Gradients:
    sizes = None if dtensor.sizes is None else dtensor.sizes[1:]
    return [tensor_list_from_tensor_op(dtensor, element_shape_of(sizes)), None]
