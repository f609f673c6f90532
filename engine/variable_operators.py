"""What operators and methods do with variables: arithmetic on their values, and writing parts of them."""

from __future__ import annotations

from typing import Any, NoReturn

from .assignments import scatter_nd_add, scatter_nd_sub, scatter_nd_update, scatter_slices
from .graph import Tensor
from .ops.variable_scatter import resource_strided_slice_assign_op, strided_slice_assign_op
from .ops.variables import read_variable_op

_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


class SlicedVariable(Tensor):
    """A slice of a variable's value, `v[1:3]`, which can be assigned to: `v[1:3].assign(x)`."""

    __slots__ = ()

    def assign(self, value: Any, name: str | None = None) -> Any:
        """An operation that writes `value` to these elements of the variable."""
        source = self.op.inputs[0].op.inputs[0]
        begin, end, strides = self.op.inputs[1:4]
        masks = {mask: self.op.attrs[mask] for mask in _MASKS}
        if source.dtype._is_ref_dtype:
            return strided_slice_assign_op(source, begin, end, strides, value, **masks, name=name)
        op = resource_strided_slice_assign_op(source, begin, end, strides, value, **masks, name=name)
        with op.graph.control_dependencies([op]):
            return read_variable_op(source, dtype=self.dtype)


class TensorOperators:
    """Arithmetic, comparison and indexing by conversion to a tensor."""

    __array_priority__ = 100

    def value(self) -> Tensor:
        """The tensor that operators work on."""
        raise NotImplementedError

    def __getitem__(self, index: object) -> Tensor:
        result = self.value()[index]
        if result.op.type == "StridedSlice" and result.op.inputs[0].op.inputs:
            result.__class__ = SlicedVariable
        return result

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__!r} object is not iterable.")

    def __add__(self, other: object) -> Tensor:
        return self.value() + other

    def __radd__(self, other: Any) -> Tensor:
        return self.value().__radd__(other)

    def __sub__(self, other: object) -> Tensor:
        return self.value() - other

    def __rsub__(self, other: Any) -> Tensor:
        return self.value().__rsub__(other)

    def __mul__(self, other: object) -> Tensor:
        return self.value() * other

    def __rmul__(self, other: Any) -> Tensor:
        return self.value().__rmul__(other)

    def __truediv__(self, other: object) -> Tensor:
        return self.value() / other

    def __rtruediv__(self, other: Any) -> Tensor:
        return self.value().__rtruediv__(other)

    def __floordiv__(self, other: object) -> Tensor:
        return self.value() // other

    def __rfloordiv__(self, other: Any) -> Tensor:
        return self.value().__rfloordiv__(other)

    def __mod__(self, other: object) -> Tensor:
        return self.value() % other

    def __rmod__(self, other: Any) -> Tensor:
        return self.value().__rmod__(other)

    def __pow__(self, other: object) -> Tensor:
        return self.value() ** other

    def __rpow__(self, other: Any) -> Tensor:
        return self.value().__rpow__(other)

    def __matmul__(self, other: object) -> Tensor:
        return self.value() @ other

    def __rmatmul__(self, other: Any) -> Tensor:
        return self.value().__rmatmul__(other)

    def __neg__(self) -> Tensor:
        return -self.value()

    def __abs__(self) -> Tensor:
        return abs(self.value())

    def __invert__(self) -> Tensor:
        return ~self.value()

    def __and__(self, other: object) -> Tensor:
        return self.value() & other

    def __rand__(self, other: Any) -> Tensor:
        return self.value().__rand__(other)

    def __or__(self, other: object) -> Tensor:
        return self.value() | other

    def __ror__(self, other: Any) -> Tensor:
        return self.value().__ror__(other)

    def __xor__(self, other: object) -> Tensor:
        return self.value() ^ other

    def __rxor__(self, other: Any) -> Tensor:
        return self.value().__rxor__(other)

    def __lt__(self, other: object) -> Tensor:
        return self.value() < other

    def __le__(self, other: object) -> Tensor:
        return self.value() <= other

    def __gt__(self, other: object) -> Tensor:
        return self.value() > other

    def __ge__(self, other: object) -> Tensor:
        return self.value() >= other


class ScatterMethods:
    """Methods that write parts of a variable."""

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Writes the rows of IndexedSlices."""
        return scatter_slices(self, "update", sparse_delta, use_locking, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Adds the rows of IndexedSlices."""
        return scatter_slices(self, "add", sparse_delta, use_locking, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtracts the rows of IndexedSlices."""
        return scatter_slices(self, "sub", sparse_delta, use_locking, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiplies by the rows of IndexedSlices."""
        return scatter_slices(self, "mul", sparse_delta, use_locking, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divides by the rows of IndexedSlices."""
        return scatter_slices(self, "div", sparse_delta, use_locking, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Takes the smaller of value and IndexedSlices, element-wise."""
        return scatter_slices(self, "min", sparse_delta, use_locking, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Takes the larger of value and IndexedSlices, element-wise."""
        return scatter_slices(self, "max", sparse_delta, use_locking, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Writes elements or slices named by rows of `indices`."""
        return scatter_nd_update(self, indices, updates, name=name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds to elements or slices named by rows of `indices`."""
        return scatter_nd_add(self, indices, updates, name=name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts from elements or slices named by rows of `indices`."""
        return scatter_nd_sub(self, indices, updates, name=name)
