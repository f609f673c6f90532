"""Sorting along an axis, by way of TopKV2."""

from __future__ import annotations

from typing import Any

from ..conversion import convert_to_tensor
from ..graph import Tensor, get_default_graph
from ..inference import axis_of
from .array import shape
from .array_order import transpose
from .top import top_k


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements of a tensor in order along an axis.

    Args:
        values: floating or signed integers.
        axis: a static axis.
        direction: "ASCENDING" or "DESCENDING".
        name: the scope of the operations.
    """
    return _sorted(values, axis, direction, name or "sort")[0]


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The int32 indices that sort a tensor along an axis; equal elements keep their order, whatever `stable` says."""
    del stable
    return _sorted(values, axis, direction, name or "argsort")[1]


def _sorted(values: Any, axis: int, direction: str, name: str) -> list[Tensor]:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"Direction should be one of 'ASCENDING', 'DESCENDING', got {direction!r}")
    with get_default_graph().name_scope(name):
        values = convert_to_tensor(values)
        if values.sizes is None or (not values.dtype.base_dtype.is_floating and values.dtype.base_dtype.is_unsigned):
            raise ValueError(f"sort needs a known rank and floating or signed numbers, got {values}")
        rank = len(values.sizes)
        place = axis_of(axis, rank)
        order = [i for i in range(rank) if i != place] + [place]
        back = [order.index(i) for i in range(rank)]
        last = values if place == rank - 1 else transpose(values, order)
        sign = 1 if direction == "DESCENDING" else -1
        found, places = top_k(last if sign == 1 else -last, shape(last)[-1])
        parts = [found if sign == 1 else -found, places]
        return parts if place == rank - 1 else [transpose(p, back) for p in parts]
