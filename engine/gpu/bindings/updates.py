"""Dense optimizer updates: variables and slots in one launch for all variables of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ...ops.training import RULES, Rule
from ..calls import Bound, DeviceArray, gpu
from ..device import Product
from ..source import Kernel
from ..text import computed, is_float, stored
from ..update_text import step_text
from .compact import compact

# As in updates.cuh: variables and numbers of an entry of a table, and the elements of a block.
ARRAYS, NUMBERS, BLOCK = 4, 8, 2048
_THREADS = 256
BY_NAME = {rule.name: rule for rule in RULES}
GRADIENTS = ("grad", "delta")
# Numbers that are not of the variables' dtype.
_KINDS = {"global_step": "const long long*"}


def rule_of(bound: Bound, op_type: str) -> Rule:
    """The rule of Apply<rule>, SparseApply<rule> and their kin; UnsupportedError if there is none."""
    name = op_type.removeprefix("_MatMul").removeprefix("Resource").removeprefix("Sparse").removeprefix("Apply")
    bound.require(name in BY_NAME, f"no GPU kernel of {op_type}")
    return BY_NAME[name]


def numbers_of(names: Sequence[str], rule: Rule) -> tuple[str, ...]:
    """What a step takes beside variables, gradient and indices."""
    return tuple(n for n in names[rule.variables :] if n not in (*GRADIENTS, "indices"))


def options_of(rule: Rule, attrs: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
    """The flags of a step."""
    return tuple((name, bool(attrs.get(name, default))) for name, default in rule.options)


def loads(rule: Rule, numbers: Sequence[str], dtype: np.dtype[Any]) -> str:
    """Statements that read the numbers of the update `own`."""
    kind, wide = stored(dtype), computed(dtype)
    return "".join(
        f"const {wide} {name} = {wide}(*({_KINDS.get(name, f'const {kind}*')})own->numbers[{i}]); "
        for i, name in enumerate(numbers)
    )


def step_of(rule: Rule, numbers: tuple[str, ...], options: tuple[tuple[str, bool], ...], wide: str) -> str:
    """Statements of a step on v0, v1, ... and g."""
    return step_text(rule.step.__name__, rule.variables, numbers, options, wide)


@cache
def _kernel(name: str, options: tuple[tuple[str, bool], ...], dtype: np.dtype[Any], given: np.dtype[Any]) -> Kernel:
    rule = BY_NAME[name]
    kind, wide = stored(dtype), computed(dtype)
    numbers = numbers_of(rule.dense.split(), rule)
    count = range(rule.variables)
    body = (
        "if (failed(error)) return; "
        "const Update* own = update_of_block(table, count, blockIdx.x); "
        + loads(rule, numbers, dtype)
        + "".join(f"{kind}* const a{i} = ({kind}*)own->variables[{i}]; " for i in count)
        + f"const {stored(given)}* const gradient = (const {stored(given)}*)own->gradient; "
        "const long long start = (blockIdx.x - own->first) * HR_UPDATE_BLOCK; "
        "const long long left = own->size - start; "
        "const int stop = left < HR_UPDATE_BLOCK ? (int)left : HR_UPDATE_BLOCK; "
        "for (int j = threadIdx.x; j < stop; j += blockDim.x) { const long long i = start + j; "
        + f"const {wide} g = gradient[i]; "
        + "".join(f"{wide} v{i} = a{i}[i]; " for i in count)
        + step_of(rule, numbers, options, wide)
        + "".join(f"a{i}[i] = v{i}; " for i in count)
        + "}"
    )
    flags = "".join(f"_{option}" for option, chosen in options if chosen)
    flags += "" if given == dtype else f"_{given.name}"
    parameters = (("const Update*", "table"), ("int", "count"), ("const int*", "error"))
    return Kernel(f"apply_{rule.step.__name__}{flags}_{dtype.name}", parameters, body, ("updates.cuh",), _THREADS)


class Tables:
    """Rows of a table of updates, of which all have one kernel."""

    def __init__(self, bound: Bound, rule: Rule) -> None:
        self.bound, self.rule = bound, rule
        self.rows: list[list[int]] = []
        self.blocks = 0
        # Of the variables, and of the gradients, which may be narrower.
        self.dtype = self.given = np.dtype(np.float32)

    def add(self, names: Sequence[str], inputs: Sequence[DeviceArray], gradient: DeviceArray | None = None) -> None:
        """An update of inputs in the op's order, or with another gradient than theirs."""
        bound, values = self.bound, dict(zip(names, inputs, strict=True))
        arrays = list(inputs[: self.rule.variables])
        g = gradient or next(values[n] for n in GRADIENTS if n in values)
        self.dtype, self.given = arrays[0].dtype, g.dtype
        bound.require(is_float(self.dtype) and is_float(self.given), f"{self.dtype} and {self.given}")
        for array in (*arrays, g):
            bound.require(array.shape == g.shape, "variable, slots and gradient of different shapes")
            bound.require(array.contiguous, "strided memory")
        numbers = [values[n] for n in numbers_of(names, self.rule)]
        bound.require(all(x.size == 1 for x in numbers), "a number that is no scalar")
        if g.size:
            addresses = [*padded(arrays, ARRAYS), g.address, *padded(numbers, NUMBERS)]
            self.rows.append([*addresses, g.size, self.blocks])
            self.blocks += -(-g.size // BLOCK)

    def launch(self, attrs: dict[str, Any]) -> None:
        """One launch for all."""
        kernel = _kernel(self.rule.name, options_of(self.rule, attrs), self.dtype, self.given)
        table = self.bound.table(np.array(self.rows, np.int64).reshape(-1, ARRAYS + NUMBERS + 3))
        self.bound.launch(kernel, self.blocks, _THREADS, table, len(self.rows), self.bound.error)


def padded(arrays: Sequence[DeviceArray], count: int) -> list[int]:
    """The arrays' addresses, with zeros up to `count`."""
    return [a.address for a in arrays] + [0] * (count - len(arrays))


def apply_dense(bound: Bound) -> None:
    """One update."""
    rule = rule_of(bound, bound.type)
    tables = Tables(bound, rule)
    tables.add(rule.dense.split(), bound.inputs)
    tables.launch(bound.node_attrs or bound.attrs)


for _rule in RULES:
    gpu(f"ResourceApply{_rule.name}")(compact(apply_dense))
    if _rule.by_reference:
        gpu(f"Apply{_rule.name}")(compact(apply_dense))


@gpu("_MultiUpdate")
@compact
def multi_update(bound: Bound) -> None:
    """The updates of one type on different variables, a launch for each dtype."""
    start, chosen = 0, {}
    tables: dict[Any, Tables] = {}
    for definition, attrs, count, _ in bound.node_attrs["parts"]:
        rule, inputs = rule_of(bound, definition.type), bound.inputs[start : start + count]
        names = rule.dense.split()
        given = next(x.dtype for name, x in zip(names, inputs, strict=True) if name in GRADIENTS)
        key = rule.name, options_of(rule, attrs), inputs[0].dtype, given
        chosen[key] = attrs
        tables.setdefault(key, Tables(bound, rule)).add(names, inputs)
        start += count
    for key, table in tables.items():
        table.launch(chosen[key])


@gpu("_MatMulApplyGradientDescent", "_MatMulApplyMomentum", "_MatMulApplyAdam")
@compact
def apply_product(bound: Bound) -> None:
    """The product, then the update."""
    rule = rule_of(bound, bound.type)
    *inputs, a, b = bound.inputs
    attrs = bound.node_attrs or bound.attrs
    turned = bool(attrs.get("transpose_a")), bool(attrs.get("transpose_b"))
    bound.require(a.contiguous and b.contiguous, "strided memory")
    gradient = bound.scratch(inputs[0].shape, a.dtype)
    rows, columns = gradient.shape
    depth = a.shape[0 if turned[0] else 1]
    bound.require(math.prod((rows, columns, depth)) > 0, "an empty product")
    leading = a.shape[1], b.shape[1], columns
    compute = bound.precision if a.dtype == np.float32 else a.dtype.name
    bound.product(
        Product(
            a.address, b.address, gradient.address, rows, columns, depth, a.dtype, leading, *turned, compute=compute
        )
    )
    names = [n for n in rule.dense.split() if n not in GRADIENTS]
    tables = Tables(bound, rule)
    tables.add(names, inputs, gradient)
    tables.launch(attrs)
