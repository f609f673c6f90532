"""Optimizer updates of some rows: one launch for all tables of a node, after their indices are sorted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ...ops.training import RULES
from ..calls import THREADS, Bound, DeviceArray, gpu
from ..source import Kernel
from ..text import computed, is_float, stored
from .rows import blocks_of, lanes_of, row_stride, sort_each
from .updates import ARRAYS, BY_NAME, GRADIENTS, NUMBERS, loads, numbers_of, options_of, padded, rule_of, step_of


@cache
def _kernel(name: str, options: tuple[tuple[str, bool], ...], dtype: np.dtype[Any], adds: bool) -> Kernel:
    rule = BY_NAME[name]
    kind, wide = stored(dtype), computed(dtype)
    numbers = numbers_of(rule.sparse.split(), rule)
    count = range(rule.variables)
    each = "for (long long k = first; k < own->count && keys[k] == keys[first]; k++) "
    given = f"{wide}(gradient[places[k] * own->stride + j])"
    body = (
        "if (failed(error)) return; "
        "const SparseUpdate* own = table + blockIdx.y; "
        + loads(rule, numbers, dtype)
        + "".join(f"{kind}* const a{i} = ({kind}*)own->variables[{i}]; " for i in count)
        + f"const {kind}* const gradient = (const {kind}*)own->gradient; "
        "const row_key* const keys = own->keys; const int* const places = own->places; "
        "const int lanes = (int)own->lanes; "
        "HR_EACH_RUN(first, keys, own->count, lanes) { "
        "for (long long j = lane; j < own->inner; j += lanes) { "
        "const long long i = keys[first] * own->inner + j; "
        + "".join(f"{wide} v{i} = a{i}[i]; " for i in count)
        # Between the steps of equal rows all is rounded as if it was stored.
        + f"const auto step = [&](const {wide} g) {{ {step_of(rule, numbers, options, wide)}"
        + "".join(f"v{i} = {wide}({kind}(v{i})); " for i in count)
        + "}; "
        + (f"{wide} sum = 0; {each}sum += {given}; step({wide}({kind}(sum))); " if adds else f"{each}step({given}); ")
        + "".join(f"a{i}[i] = v{i}; " for i in count)
        + "} }"
    )
    flags = "".join(f"_{option}" for option, chosen in options if chosen) + ("_adds" if adds else "")
    parameters = (("const SparseUpdate*", "table"), ("const int*", "error"))
    return Kernel(f"sparse_{rule.step.__name__}{flags}_{dtype.name}", parameters, body, ("rows.cuh",), THREADS)


class _Tables:
    """Rows of a table of updates, and the sorted indices that several of them may share."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.rows: list[list[int]] = []
        self.blocks = 0
        # The indices to be sorted, and which of them each row needs.
        self._wanted: dict[tuple[int, int, int], tuple[DeviceArray, int]] = {}
        self._given: list[tuple[int, int, int]] = []

    def add(self, op_type: str, inputs: Sequence[DeviceArray]) -> None:
        """An update of inputs in the op's order."""
        bound, rule = self.bound, rule_of(self.bound, op_type)
        names = rule.sparse.split()
        values, arrays = dict(zip(names, inputs, strict=True)), inputs[: rule.variables]
        gradient, indices = next(values[n] for n in GRADIENTS if n in values), values["indices"]
        for array in (*arrays, gradient):
            bound.require(array is gradient or array.contiguous, "strided memory")
            bound.require(is_float(array.dtype) and array.dtype == arrays[0].dtype, f"{array.dtype}")
        bound.require(all(a.shape == arrays[0].shape for a in arrays), "variable and slots of different shapes")
        bound.require(arrays[0].ndim > 0 and indices.ndim == 1, "no rows")
        bound.require(gradient.shape == (*indices.shape, *arrays[0].shape[1:]), "a gradient of another shape")
        numbers = [values[n] for n in numbers_of(names, rule)]
        bound.require(all(x.size == 1 for x in numbers), "a number that is no scalar")
        key = indices.address, indices.size, arrays[0].shape[0]
        self._wanted[key] = indices, arrays[0].shape[0]
        inner, stride = math.prod(arrays[0].shape[1:]), row_stride(bound, gradient, 1)
        if indices.size and inner:
            addresses = [*padded(arrays, ARRAYS), gradient.address, *padded(numbers, NUMBERS)]
            lanes = lanes_of(inner)
            self.rows.append([*addresses, 0, 0, indices.size, inner, stride, lanes])
            self._given.append(key)
            self.blocks = max(self.blocks, blocks_of(indices.size * lanes))

    def launch(self, op_type: str, attrs: dict[str, Any], dtype: np.dtype[Any], *, adds: bool) -> None:
        """One launch for all; nothing was written before all indices were checked."""
        rule = rule_of(self.bound, op_type)
        kernel = _kernel(rule.name, options_of(rule, attrs), dtype, adds)
        orders = dict(zip(self._wanted, sort_each(self.bound, list(self._wanted.values())), strict=True))
        place = ARRAYS + 1 + NUMBERS
        for row, key in zip(self.rows, self._given, strict=True):
            row[place : place + 2] = orders[key].keys.address, orders[key].places.address
        table = self.bound.table(np.array(self.rows, np.int64).reshape(-1, place + 6))
        if self.rows:
            self.bound.launch(kernel, (self.blocks, len(self.rows), 1), THREADS, table, self.bound.error)


@gpu("_SparseUpdate")
def sparse_update(bound: Bound) -> None:
    """Updates of one type on rows of different variables; gradients of equal rows are added up."""
    parts, start, tables = bound.node_attrs["parts"], 0, _Tables(bound)
    for definition, _, count, _ in parts:
        tables.add(definition.type, bound.inputs[start : start + count])
        start += count
    tables.launch(parts[0][0].type, parts[0][1], bound.inputs[0].dtype, adds=True)


def apply_sparse(bound: Bound) -> None:
    """One update; equal rows are updated one after the other."""
    tables = _Tables(bound)
    tables.add(bound.type, bound.inputs)
    tables.launch(bound.type, bound.node_attrs or bound.attrs, bound.inputs[0].dtype, adds=False)


for _rule in RULES:
    if _rule.sparse:
        gpu(f"ResourceSparseApply{_rule.name}")(apply_sparse)
        if _rule.by_reference:
            gpu(f"SparseApply{_rule.name}")(apply_sparse)
