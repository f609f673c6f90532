"""Scalar expressions as programs of the native interpreter: instructions, slots, and how inputs lie against the output."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..scalar import Expression, Instruction, Operand
from ..unsupported import UnsupportedError
from .calls import Array
from .library import load

MOST_INPUTS = 12
_MOST_SLOTS = 64
_MOST_RANK = 6
_SUFFIXES = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64"}
# What the blocks of a program may take of the first-level cache.
_CACHE = 24 * 1024
# Rows at least this long are worked on one by one; shorter ones are laid out in blocks of several.
_LONG = 512
_WHOLE, _ONE, _PERIODIC, _STRIDED = range(4)
_BOOL = np.dtype(bool)
_OF_MASKS = {
    "equal": "mask_equal",
    "not_equal": "mask_xor",
    "bitwise_and": "mask_and",
    "bitwise_or": "mask_or",
    "bitwise_xor": "mask_xor",
    "invert": "mask_not",
    "to_bool": "copy",
    "copy": "copy",
    "conj": "copy",
}
_LOGICAL = {"logical_and": "mask_and", "logical_or": "mask_or", "logical_not": "mask_not"}
_DEAR = frozenset(
    "pow atan2 exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc floordiv mod fmod".split()
)


@dataclass(frozen=True, eq=False)
class Program:
    """Words for the interpreter, the names of its kernels' type, and how work on it is to be cut."""

    code: Array
    suffix: str
    block: int
    cost: int
    is_bool: bool = False


def compile_program(
    expression: Expression, inputs: Sequence[Array], sizes: tuple[int, ...], dtypes: Sequence[Any] | None = None
) -> Program:
    """The program of an expression over arrays that broadcast to `sizes`.

    Args:
        expression: with instructions, or with none where it stands for its one input.
        inputs: on their final memory.
        sizes: of the result.
        dtypes: of the instructions' results, where NumPy is not to be asked.

    Raises:
        UnsupportedError: the interpreter has no such dtype, instruction or shape.
    """
    if len(inputs) > MOST_INPUTS:
        raise UnsupportedError(f"{len(inputs)} inputs")
    results = expression.result_dtypes([x.dtype for x in inputs]) if dtypes is None else list(dtypes)
    dtype = _number_type([x.dtype for x in inputs] + results)
    body = _Body(dtype, inputs, results)
    for step in expression.instructions:
        body.add(step)
    body.combine()
    slots = body.slots()
    layouts = [_layout(x, sizes) for x in inputs]
    blocks = body.temporaries + sum(
        1 + (k[0] != _WHOLE or x.dtype == _BOOL) for k, x in zip(layouts, inputs, strict=True)
    )
    block, cut = _blocking(layouts, (blocks + 1) * dtype.itemsize)
    words = [block, cut, len(inputs), len(body.constants), body.temporaries, len(body.steps)]
    is_bool = (results or [inputs[0].dtype])[-1] == _BOOL
    words += [body.result_slot, int(is_bool)]
    for x, (kind, dims) in zip(inputs, layouts, strict=True):
        padding = [0] * (_MOST_RANK - len(dims))
        words += [
            kind,
            int(x.dtype == _BOOL),
            len(dims),
            *(d[0] for d in dims),
            *padding,
            *(d[1] for d in dims),
            *padding,
        ]
    code = np.array([*words, *body.constants, *slots], np.int64)
    return Program(code, _SUFFIXES[dtype.name], block, body.cost, is_bool)


def _number_type(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    names = sorted({d.name for d in dtypes if d != _BOOL})
    if len(names) > 1:
        raise UnsupportedError(f"{' and '.join(names)} in one expression")
    if names and names[0] not in _SUFFIXES:
        raise UnsupportedError(names[0])
    return np.dtype(names[0] if names else "int32")


@dataclass(eq=False)
class _Step:
    """An instruction while it is put together: operands are ("input" | "constant" | "step", which)."""

    name: str
    operands: list[tuple[str, Any]]


class _Body:
    """The instructions of a program."""

    def __init__(self, dtype: np.dtype[Any], inputs: Sequence[Array], results: list[np.dtype[Any]]) -> None:
        self.dtype = dtype
        self.input_types = [x.dtype for x in inputs]
        self.results = results
        self.steps: list[_Step] = []
        self.made: list[_Step] = []
        self.constants: list[int] = []
        self.temporaries = 0
        self.cost = 1
        self.result_slot = 0

    def add(self, step: Instruction) -> None:
        masks = [self._is_mask(o) for o in step.operands]
        name = step.primitive
        if name in _LOGICAL:
            operands = [self._mask(o) for o in step.operands]
            name = _LOGICAL[name]
        elif name == "select":
            if masks[1] != masks[2] and "constant" not in (step.operands[1].kind, step.operands[2].kind):
                raise UnsupportedError("bool in arithmetic")
            both = masks[1] or masks[2]
            operands = [self._mask(step.operands[0]), *(self._operand(o, both) for o in step.operands[1:])]
        elif any(masks):
            of_masks = all(m or o.kind == "constant" for m, o in zip(masks, step.operands, strict=True))
            if name not in _OF_MASKS or not of_masks:
                raise UnsupportedError("bool in arithmetic")
            name = _OF_MASKS[name]
            operands = [self._operand(o, True) for o in step.operands]
        else:
            name = "copy" if name == "conj" else name
            operands = [self._operand(o, False) for o in step.operands]
        self.made.append(self._append(name, operands))

    def _append(self, name: str, operands: list[tuple[str, Any]]) -> _Step:
        opcode(self.dtype, name)
        self.steps.append(_Step(name, operands))
        return self.steps[-1]

    def _is_mask(self, operand: Operand) -> bool:
        if operand.kind == "constant":
            return False
        types = self.input_types if operand.kind == "input" else self.results
        return types[operand.index] == _BOOL

    def _operand(self, operand: Operand, mask: bool) -> tuple[str, Any]:
        if operand.kind == "constant":
            return "constant", self._constant(operand.value, mask)
        return ("input", operand.index) if operand.kind == "input" else ("step", self.made[operand.index])

    def _mask(self, operand: Operand) -> tuple[str, Any]:
        if self._is_mask(operand) or operand.kind == "constant":
            return self._operand(operand, True)
        return "step", self._append("to_bool", [self._operand(operand, False)])

    def _constant(self, value: Any, mask: bool) -> int:
        wide = f"i{self.dtype.itemsize}"
        array = np.array(-bool(value), wide) if mask else np.array(value, self.dtype)
        bits = int(array.view(wide))
        if bits not in self.constants:
            self.constants.append(bits)
        return self.constants.index(bits)

    def combine(self) -> None:
        """Joins pairs of instructions that the interpreter has as one."""
        uses = Counter(id(w) for s in self.steps for k, w in s.operands if k == "step")
        gone: set[int] = set()

        def inner(step: _Step, place: int, *names: str) -> _Step | None:
            kind, found = step.operands[place]
            return found if kind == "step" and found.name in names and uses[id(found)] == 1 else None

        for step in self.steps:
            if step.name == "select" and (test := inner(step, 0, "greater", "less")):
                compared = test.operands if test.name == "greater" else test.operands[::-1]
                step.name, step.operands = "select_greater", [*compared, *step.operands[1:]]
                gone.add(id(test))
            elif step.name in ("add", "maximum"):
                first, joined = ("mul", "mul_add") if step.name == "add" else ("add", "add_maximum")
                place = next((i for i in (0, 1) if inner(step, i, first)), None)
                if place is not None:
                    part = step.operands[place][1]
                    step.name, step.operands = joined, [*part.operands, step.operands[1 - place]]
                    gone.add(id(part))
        self.steps = [s for s in self.steps if id(s) not in gone]

    def slots(self) -> list[int]:
        """The instructions' words, with a slot for each operand and result."""
        base = len(self.input_types) + len(self.constants)
        last = {id(w): i for i, s in enumerate(self.steps) for k, w in s.operands if k == "step"}
        places: dict[int, int] = {}
        free: list[int] = []
        words: list[list[int]] = []
        for i, step in enumerate(self.steps):
            operands = [self._slot(o, places) for o in step.operands]
            ended = {id(w) for k, w in step.operands if k == "step" and last[id(w)] == i}
            free += [places[key] for key in ended]
            if i < len(self.steps) - 1:
                if not free:
                    free.append(base + self.temporaries)
                    self.temporaries += 1
                places[id(step)] = free.pop()
            words.append(
                [opcode(self.dtype, step.name), places.get(id(step), -1), *operands, *[0] * (4 - len(operands))]
            )
            self.cost += 6 if step.name in _DEAR else 1
        out = base + self.temporaries
        if out >= _MOST_SLOTS:
            raise UnsupportedError("an expression of many parts")
        self.cost = max(1, self.cost // 2)
        self.result_slot = out if self.steps else 0
        return [out if place == 1 and word < 0 else word for row in words for place, word in enumerate(row)]

    def _slot(self, operand: tuple[str, Any], places: dict[int, int]) -> int:
        kind, which = operand
        if kind == "input":
            return int(which)
        return len(self.input_types) + which if kind == "constant" else places[id(which)]


def opcode(dtype: np.dtype[Any], name: str) -> int:
    """The number of an instruction for numbers of `dtype`, as the library that is loaded has it."""
    library = load()
    found = None if isinstance(library, str) else library.kernels.get(f"{dtype.name}.{name}")
    if found is None:
        raise UnsupportedError(f"no native {name} of {dtype.name}")
    return found[1]


_Layout = tuple[int, list[tuple[int, int]]]


def _layout(x: Array, sizes: tuple[int, ...]) -> _Layout:
    """How an input lies against the output: its kind, and as few axes (size, stride) as tell where elements are."""
    dims: list[tuple[int, int]] = []
    for size, nbytes in zip(sizes, np.broadcast_to(x, sizes).strides, strict=True):
        stride, rest = divmod(nbytes, x.itemsize)
        if rest:
            raise UnsupportedError("strides between elements")
        if size == 1:
            continue
        if dims and dims[-1][1] == stride * size:
            dims[-1] = (dims[-1][0] * size, stride)
        else:
            dims.append((size, stride))
    if all(stride == 0 for _, stride in dims):
        return _ONE, [(1, 0)]
    if len(dims) == 1 and dims[0][1] == 1:
        return _WHOLE, dims
    if len(dims) > _MOST_RANK:
        raise UnsupportedError(f"broadcasting along {len(dims)} axes")
    if len(dims) == 2 and dims[0][1] == 0 and dims[1][0] < _LONG:
        return _PERIODIC, dims
    return _STRIDED, dims


def _blocking(layouts: list[_Layout], nbytes: int) -> tuple[int, int]:
    """Elements a block and the multiples that blocks do not cross. Pieces that do not fit in a block become strided."""
    block = min(max(_CACHE // nbytes // 64 * 64, 256), 4096)
    cut = min((d[-1][0] for kind, d in layouts if kind == _STRIDED and d[-1][0] >= _LONG), default=0)
    period = math.lcm(*(d[-1][0] for kind, d in layouts if kind == _PERIODIC))
    if period > block or (cut and cut % period):
        layouts[:] = [(_STRIDED if kind == _PERIODIC else kind, d) for kind, d in layouts]
        period = 1
    unit = math.lcm(period, 64)
    unit = unit if unit <= block else period
    return block // unit * unit, cut
