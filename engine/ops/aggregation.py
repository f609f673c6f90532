"""Sums of gradients: dense ones in one AddN, slices by concatenation, so that embeddings' gradients stay sparse."""

from __future__ import annotations

import functools
from typing import Any

from ..conversion import register_tensor_conversion_function
from ..dtypes import DType
from ..graph import Tensor
from ..tensor_types import IndexedSlices


def add_all(parts: list[Any]) -> Any:
    """The sum of tensors and IndexedSlices: slices if all are, a tensor otherwise."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(p, IndexedSlices) for p in parts):
        return _joined(parts)
    if parts[0].dtype.name == "variant":
        from .tensor_list import tensor_list_add_op

        return functools.reduce(tensor_list_add_op, parts)
    from .elementwise_nary import add_n_op  # sums build on the array ops below

    return add_n_op([as_dense(p) for p in parts])


def _joined(parts: list[IndexedSlices]) -> IndexedSlices:
    from .array_parts import concat

    values = concat([p.values for p in parts], 0)
    # A table may be read by indices of both dtypes.
    wide = len({p.indices.dtype for p in parts}) > 1
    indices = concat([_widened(p.indices) if wide else p.indices for p in parts], 0)
    return IndexedSlices(values, indices, parts[0].dense_shape)


def _widened(indices: Any) -> Tensor:
    from .casting import cast

    return cast(indices, "int64")  # type: ignore[no-any-return]


def as_dense(gradient: Any) -> Tensor:
    """IndexedSlices as the tensor they stand for, equal indices added up; a tensor as it is."""
    if not isinstance(gradient, IndexedSlices):
        return gradient  # type: ignore[no-any-return]
    if gradient.dense_shape is None:
        raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {gradient}")
    from .segments import unsorted_segment_sum

    return unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])


def _convert(value: IndexedSlices, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    del name, as_ref
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype {value.dtype.name}"
        )
    return as_dense(value)


register_tensor_conversion_function(IndexedSlices, _convert, 50)
