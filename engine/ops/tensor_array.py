"""tf.TensorArray: an array of tensors that is written and read element by element, inside loops too."""

from __future__ import annotations

from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import DType, as_dtype, int32
from ..graph import Sizes, Tensor
from ..scopes import name_scope
from ..shapes import TensorShape, merge_sizes
from ..static import constant_value
from .array import identity
from .casting import cast
from .ranges import range as range_of
from .tensor_list import (
    element_shape_of,
    tensor_list_from_tensor_op,
    tensor_list_get_item_op,
    tensor_list_length_op,
    tensor_list_reserve_op,
    tensor_list_resize_op,
    tensor_list_set_item_op,
    tensor_list_stack_op,
)
from .tensor_list_parts import (
    tensor_list_concat_op,
    tensor_list_gather_op,
    tensor_list_scatter_into_existing_list_op,
    tensor_list_split_op,
)


class TensorArray:
    """An array of tensors of one dtype, as TensorFlow 1.15's `tf.TensorArray`; a loop variable like any tensor.

    Every writing method returns the new array, which is to be used from then on. An element can be written once and,
    unless `clear_after_read` is False, read once.

    Args:
        dtype: the dtype of the elements.
        size: how many elements there are; a scalar int32 tensor or a number.
        dynamic_size: whether writing past the end makes the array longer.
        clear_after_read: whether a second read of an element is an error (the default).
        tensor_array_name: accepted.
        handle: the flow of another array, as its `handle`.
        flow: the same.
        infer_shape: whether elements must all have the shape of the first one written.
        element_shape: the shape of the elements, where it is known.
        colocate_with_first_write_call: accepted.
        name: name scope of the array.

    Raises:
        ValueError: neither size nor flow is given, or both.

    Example:
        >>> import headrace as tf
        >>> array = tf.TensorArray(tf.float32, size=2)
        >>> stacked = array.write(0, 1.0).write(1, 2.0).stack()
        >>> with tf.Session() as sess:
        ...     print(sess.run(stacked))
        [1. 2.]
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Tensor | None = None,
        flow: Tensor | None = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        del tensor_array_name, colocate_with_first_write_call
        given = flow if flow is not None else handle
        if given is not None and size is not None:
            raise ValueError("Cannot provide both a handle and size at the same time")
        if given is None and size is None:
            raise ValueError("Size must be provided if handle is not provided")
        self._dtype = as_dtype(dtype).base_dtype
        self._dynamic = bool(dynamic_size)
        self._once = clear_after_read is None or bool(clear_after_read)
        self._infer = infer_shape
        self._shape = _Shape(TensorShape(element_shape).sizes)
        self._count = None if size is None or self._dynamic else _static_count(size)
        with name_scope(name, "TensorArray"):
            self._flow: Tensor = given if given is not None else self._reserve(size)

    def _reserve(self, size: Any) -> Tensor:
        count = cast(convert_to_tensor(size, name="size"), int32)
        return tensor_list_reserve_op(element_shape_of(self._shape.sizes), count, element_dtype=self._dtype)

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self._dtype

    @property
    def flow(self) -> Tensor:
        """The array as a tensor (a variant): what orders writes and reads."""
        return self._flow

    @property
    def handle(self) -> Tensor:
        """The same as `flow`."""
        return self._flow

    @property
    def dynamic_size(self) -> bool:
        """Whether writing past the end makes the array longer."""
        return self._dynamic

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of the elements."""
        return TensorShape(self._shape.sizes)

    def _with(self, flow: Tensor) -> TensorArray:
        new = TensorArray.__new__(TensorArray)
        new.__dict__.update(self.__dict__)
        new._flow = flow
        return new

    def _composite_parts(self) -> list[Tensor]:
        return [self._flow]

    def _composite_like(self, parts: list[Tensor]) -> TensorArray:
        return self._with(parts[0])

    def _note(self, sizes: Sizes) -> None:
        if self._infer:
            self._shape.merge(sizes)

    def _element(self) -> Any:
        return element_shape_of(self._shape.sizes)

    def identity(self) -> TensorArray:
        """The same array, at this point of the order of operations."""
        return self._with(identity(self._flow))

    def grad(self, source: str, flow: Tensor | None = None, name: str | None = None) -> TensorArray:
        """An array of zeros of the same size, for gradients."""
        from .tensor_list import tensor_list_zeros_op

        return self._with(tensor_list_zeros_op(self._flow if flow is None else flow, name=name))

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at `index`; zeros if it was not written and its shape is known."""
        return tensor_list_get_item_op(
            self._flow, index, self._element(), element_dtype=self._dtype, _once=self._once, name=name
        )

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value` at `index`.

        Raises:
            ValueError: its shape does not fit that of the elements.
            tf.errors.InvalidArgumentError: when run, if the index is out of range or was written before.
        """
        with name_scope(name, "TensorArrayWrite"):
            tensor = convert_to_tensor(value, self._dtype, "value")
            self._note(tensor.sizes)
            flow = tensor_list_set_item_op(
                self._flow, index, tensor, resize_if_index_out_of_bounds=self._dynamic, _once=True
            )
            return self._with(flow)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, stacked along a new first axis."""
        count = -1 if self._count is None else self._count
        return tensor_list_stack_op(
            self._flow, self._element(), element_dtype=self._dtype, num_elements=count, name=name or "TensorArrayStack"
        )

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at `indices`, stacked along a new first axis."""
        return tensor_list_gather_op(
            self._flow, indices, self._element(), element_dtype=self._dtype, name=name or "TensorArrayGather"
        )

    def concat(self, name: str | None = None) -> Tensor:
        """All elements, joined along their first axis."""
        sizes = self._shape.sizes
        element = None if sizes is None else TensorShape((None, *sizes[1:]))
        joined, _ = tensor_list_concat_op(self._flow, element_dtype=self._dtype, element_shape=element, name=name)
        return joined

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array with the slices of `value` along its first axis as its elements."""
        with name_scope(name, "TensorArrayUnstack"):
            tensor = convert_to_tensor(value, self._dtype, "value")
            sizes = tensor.sizes
            self._note(None if sizes is None else sizes[1:])
            new = self._with(self._unstacked(tensor))
            new._count = sizes[0] if sizes else None
            return new

    def _unstacked(self, tensor: Tensor) -> Tensor:
        if self._flow.op.type == "TensorListReserve" and (self._dynamic or self._fits(tensor)):
            return tensor_list_from_tensor_op(tensor, element_shape_of(self._shape.sizes))
        from .array_shape import size

        indices = range_of(0, size(tensor) if tensor.sizes and len(tensor.sizes) == 1 else _rows(tensor))
        return self._scattered(indices, tensor)

    def _fits(self, tensor: Tensor) -> bool:
        return self._count is not None and bool(tensor.sizes) and tensor.sizes[0] == self._count  # type: ignore[index]

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the slices of `value` at `indices`."""
        with name_scope(name, "TensorArrayScatter"):
            tensor = convert_to_tensor(value, self._dtype, "value")
            self._note(None if tensor.sizes is None else tensor.sizes[1:])
            return self._with(self._scattered(convert_to_tensor(indices, int32), tensor))

    def _scattered(self, indices: Tensor, tensor: Tensor) -> Tensor:
        flow = self._flow
        if not self._dynamic:
            return tensor_list_scatter_into_existing_list_op(flow, tensor, indices, _bounded=True, _once=True)
        return tensor_list_scatter_into_existing_list_op(flow, tensor, indices, _once=True)

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array with the parts of `value`, of the given lengths along its first axis, as its elements."""
        with name_scope(name, "TensorArraySplit"):
            tensor = convert_to_tensor(value, self._dtype, "value")
            lengths = cast(convert_to_tensor(lengths), "int64")
            known = constant_value(lengths)
            rest = None if tensor.sizes is None else tensor.sizes[1:]
            if rest is not None:
                first = int(known[0]) if known is not None and len({*known.tolist()}) == 1 else None
                self._note((first, *rest))
            new = self._with(tensor_list_split_op(tensor, element_shape_of(self._shape.sizes), lengths))
            new._count = None
            return new

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements."""
        return tensor_list_length_op(self._flow, name=name)

    def close(self, name: str | None = None) -> Any:
        """An operation that does nothing: the memory goes with the last use of the array."""
        from .control import no_op

        return no_op(name=name)

    def pack(self, name: str | None = None) -> Tensor:
        """The old name of `stack`."""
        return self.stack(name)

    def unpack(self, value: Any, name: str | None = None) -> TensorArray:
        """The old name of `unstack`."""
        return self.unstack(value, name)

    def resize(self, size: Any) -> TensorArray:
        """The array cut or made longer."""
        new = self._with(tensor_list_resize_op(self._flow, size))
        new._count = None
        return new


class _Shape:
    """What is known of the elements' shape: shared by all versions of an array, as writes in a loop's body tell of it."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    def merge(self, sizes: Sizes) -> None:
        try:
            self.sizes = merge_sizes(self.sizes, sizes)
        except ValueError:
            raise ValueError(
                f"Inconsistent shapes: saw {TensorShape(sizes)} but expected {TensorShape(self.sizes)} "
                "(and infer_shape=True)"
            ) from None


def _static_count(size: Any) -> int | None:
    if isinstance(size, Tensor):
        value = constant_value(size)
        return None if value is None else int(value)
    return int(size)


def _rows(tensor: Tensor) -> Tensor:
    from .array import shape

    return shape(tensor)[0]
