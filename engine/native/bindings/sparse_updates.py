"""Optimizer updates of some rows: one call for all tables of a node."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..calls import Array, Bound, native
from .rows import indices_of, parts_of, row_stride
from .updates import ARRAYS, NUMBERS, RULES, SUFFIX

_SPARSE = (
    "Momentum", "KerasMomentum", "Adagrad", "AdagradV2", "AdagradDA", "Adadelta", "RMSProp", "CenteredRMSProp", "Ftrl",
    "FtrlV2", "ProximalGradientDescent", "ProximalAdagrad",
)  # fmt: skip


@native("_SparseUpdate")
def sparse_update(bound: Bound) -> None:
    """Updates of one type on rows of different variables; gradients of equal rows are added up."""
    parts, start, tables = bound.node_attrs["parts"], 0, []
    for definition, _, count, _ in parts:
        tables.append(_Table(bound, definition.type, bound.inputs[start : start + count]))
        start += count
    _add_calls(bound, parts[0][0].type, parts[0][1], tables, True)


def apply_sparse(bound: Bound) -> None:
    """One update; equal rows are updated one after the other."""
    _add_calls(bound, bound.type, bound.attrs, [_Table(bound, bound.type, bound.inputs)], False)


for _name in _SPARSE:
    native(f"ResourceSparseApply{_name}")(apply_sparse)
    if _name != "KerasMomentum":
        native(f"SparseApply{_name}")(apply_sparse)


def _rule(op_type: str) -> str:
    return op_type.removeprefix("Resource").removeprefix("SparseApply")


class _Table:
    """What a variable's update takes: its slots, gradient, indices and numbers."""

    def __init__(self, bound: Bound, op_type: str, inputs: Sequence[Array]) -> None:
        bound.require(_rule(op_type) in _SPARSE, f"no native {op_type}")
        _, variables, place, _ = RULES[_rule(op_type)]
        self.arrays, self.gradient, self.indices = list(inputs[:variables]), inputs[place], inputs[place + 1]
        self.numbers = [x for i, x in enumerate(inputs) if i >= variables and i not in (place, place + 1)]
        variable = self.arrays[0]
        bound.require(variable.dtype in SUFFIX, f"{variable.dtype}")
        for array in self.arrays:
            bound.require(array.shape == variable.shape, "variable and slots of different shapes")
            bound.require(array.flags.c_contiguous, "strided memory")
        rows = (*self.indices.shape, *variable.shape[1:])
        bound.require(variable.ndim > 0 and self.indices.ndim == 1, "no rows")
        bound.require(self.gradient.shape == rows, "a gradient of another shape")
        bound.require(all(x.size == 1 for x in self.numbers), "a number that is no scalar")
        self.inner = math.prod(variable.shape[1:])
        self.places = indices_of(bound, self.indices)
        self.stride = row_stride(bound, self.gradient, 1)

    def fields(self) -> list[Any]:
        """The table's part of the kernel's arguments."""
        return [
            self.indices.size, self.inner, self.stride, *self.places,
            *self.arrays, *[None] * (ARRAYS - len(self.arrays)),
            self.gradient, *self.numbers, *[None] * (NUMBERS - len(self.numbers)),
        ]  # fmt: skip


def _add_calls(bound: Bound, op_type: str, attrs: dict[str, Any], tables: list[_Table], adds: bool) -> None:
    kernel, _, _, option = RULES[_rule(op_type)]
    dtype = tables[0].arrays[0].dtype
    bound.require(all(t.arrays[0].dtype == dtype for t in tables), "variables of different dtypes")
    # All indices are checked before anything is written, each vector once.
    checks = {
        (t.indices.__array_interface__["data"], t.indices.size, t.places[:2], len(t.arrays[0])): t for t in tables
    }
    for table in checks.values():
        chunks = 1 if table.indices.size else 0
        bound.call("check_rows", chunks, table.indices.size, 0, len(table.arrays[0]), *table.places)
    slices = max(parts_of(t.indices.size, t.inner) for t in tables)
    chosen = bool(attrs.get(option, option == "update_slots"))
    fields = [x for t in tables for x in t.fields()]
    name = f"sparse_{kernel}_{SUFFIX[np.dtype(dtype)]}"
    bound.call(name, len(tables) * slices, len(tables), slices, adds, chosen, *fields)
