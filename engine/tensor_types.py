"""Tensors in parts: IndexedSlices (some rows of a tensor) and SparseTensor (some elements), and their fetched values."""

from __future__ import annotations

from typing import Any, NamedTuple

from .conversion import convert_to_tensor
from .dtypes import DType, int64
from .graph import OPERATORS, Graph, Operation, Tensor, session_for
from .shapes import TensorShape


class IndexedSlicesValue(NamedTuple):
    """The fetched value of IndexedSlices."""

    values: Any
    indices: Any
    dense_shape: Any = None


class SparseTensorValue(NamedTuple):
    """The fetched value of a SparseTensor; also what is fed for one."""

    indices: Any
    values: Any
    dense_shape: Any


class IndexedSlices:
    """Rows `values[i]` at `indices[i]` of a tensor that is zero elsewhere; equal indices add up.

    As TensorFlow 1.15's `tf.IndexedSlices`: the gradient of a gather.
    """

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None) -> None:
        self.values = values
        self.indices = indices
        self.dense_shape = dense_shape

    @property
    def dtype(self) -> DType:
        """The element type of `values`."""
        return self.values.dtype

    @property
    def name(self) -> str:
        """The name of `values`."""
        return self.values.name

    @property
    def op(self) -> Operation:
        """The operation that makes `values`."""
        return self.values.op

    @property
    def graph(self) -> Graph:
        """The graph that holds the parts."""
        return self.values.graph

    @property
    def device(self) -> str:
        """The device of `values`."""
        return self.values.device

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def __str__(self) -> str:
        shape = "" if self.dense_shape is None else f", dense_shape={self.dense_shape.name}"
        return f"IndexedSlices(indices={self.indices.name}, values={self.values.name}{shape})"


class SparseTensor:
    """Elements `values[i]` at `indices[i]` of a tensor of `dense_shape` that is zero elsewhere.

    Args:
        indices: int64 [n, rank], in row-major order where an op needs order.
        values: any dtype, [n].
        dense_shape: int64 [rank].
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self.indices = convert_to_tensor(indices, int64, "indices")
        self.values = convert_to_tensor(values, None, "values")
        self.dense_shape = convert_to_tensor(dense_shape, int64, "dense_shape")
        for part, rank in ((self.indices, 2), (self.values, 1), (self.dense_shape, 1)):
            part.shape.assert_has_rank(rank)
        rows, columns = self.indices.shape[0], self.indices.shape[1]
        if not (
            rows.is_compatible_with(self.values.shape[0]) and columns.is_compatible_with(self.dense_shape.shape[0])
        ):
            raise ValueError(
                f"A sparse tensor needs as many values as rows of indices, and a column of them a dimension: got indices "
                f"{self.indices.shape}, values {self.values.shape} and dense_shape {self.dense_shape.shape}"
            )

    @classmethod
    def from_value(cls, value: Any) -> SparseTensor:
        """A SparseTensor from one or from a SparseTensorValue."""
        return value if isinstance(value, cls) else cls(value.indices, value.values, value.dense_shape)

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.values.dtype

    @property
    def op(self) -> Operation:
        """The operation that makes `values`."""
        return self.values.op

    @property
    def graph(self) -> Graph:
        """The graph that holds the parts."""
        return self.values.graph

    @property
    def shape(self) -> TensorShape:
        """The static dense shape."""
        from .static import constant_sizes  # static shapes build on the registry's kernels

        return TensorShape(constant_sizes(self.dense_shape))

    def get_shape(self) -> TensorShape:
        """The static dense shape."""
        return self.shape

    def __mul__(self, other: Any) -> SparseTensor:
        return self._with("sparse_mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        return self._with("sparse_truediv", other)

    def _with(self, operator: str, other: Any) -> SparseTensor:
        """The elements that are there with those of a dense tensor that broadcasts to the shape."""
        dense = convert_to_tensor(other, self.dtype.base_dtype)
        values = OPERATORS[operator](self.indices, self.values, self.dense_shape, dense)
        return SparseTensor(self.indices, values, self.dense_shape)

    def eval(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> SparseTensorValue:
        """The value in `session` or the default session."""
        parts = [self.indices, self.values, self.dense_shape]
        return SparseTensorValue(*session_for(session, "evaluate a sparse tensor", self.graph).run(parts, feed_dict))

    def __iter__(self) -> Any:
        return iter((self.indices, self.values, self.dense_shape))

    def __str__(self) -> str:
        return f"SparseTensor(indices={self.indices}, values={self.values}, dense_shape={self.dense_shape})"
