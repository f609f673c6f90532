"""Ops that only rewritten steps hold: fed values, fused expressions and merged updates. Users never make them."""

from __future__ import annotations

from typing import Any

from ..dtypes import INDEX, NUMERIC, DType
from ..graph import Operation, Tensor
from ..inference import like_first
from ..kernels.optimizer_blocks import summed_rows
from ..registry import op


@op("_Feed", outputs="output: dtype", stateful=True)
def feed_op(*, dtype: DType) -> Tensor:
    """Stands for a fed tensor in a step."""


@op("_Fused", outputs="output: dtype", shape=None)
def fused_op(*, dtype: DType) -> Tensor:
    """A chain of element-wise operations; the attribute `expression` says which."""


@op("_MultiUpdate", stateful=True)
def multi_update_op() -> Operation:
    """The updates of several variables; the attribute `parts` holds their ops and attributes."""


@op("_SparseUpdate", stateful=True)
def sparse_update_op() -> Operation:
    """Updates of rows of several variables, after the gradients of equal rows were added up.

    The attribute `parts` holds their ops and attributes. The inputs are theirs, with the gradients and indices as they were
    before the sum: their number is static.
    """


@op("_SummedRows", "values: T, indices: Tindices", "sums: T", shape=like_first, T=NUMERIC, Tindices=INDEX)
def summed_rows_op(values: Any, indices: Any, *, name: str | None = None) -> Tensor:
    """The sums of the rows of equal index, each at the place of the first of them; zeros at the others."""


@summed_rows_op.kernel
def summed_rows_kernel(xp: Any, values: Any, indices: Any) -> Any:
    return summed_rows(values, indices)


summed_rows_op.not_differentiable = True
