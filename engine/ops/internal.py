"""Ops that only rewritten steps hold: fed values, fused expressions and merged updates. Users never make them."""

from __future__ import annotations

from ..dtypes import DType
from ..graph import Operation, Tensor
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
