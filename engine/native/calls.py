"""How nodes become calls of native kernels: one binding an op type, or the reason why a node runs on NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..scalar import Expression
from ..unsupported import UnsupportedError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Scratch:
    """Memory that calls of one node share while they run, at an offset of the segment's scratch memory."""

    offset: int
    nbytes: int


Argument = int | float | Array | Scratch | None


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a kernel: its name, in how many chunks it is done, and its arguments in the order of the C struct.

    Arrays stand for their addresses, None for NULL. A float goes where the struct has a double, an int where an int64_t.
    """

    kernel: str
    chunks: int
    arguments: tuple[Argument, ...]


@dataclass(eq=False)
class Bound:
    """A node with its memory: what a binding sees and adds calls to.

    `inputs` and `outputs` are arrays on the planned memory, in the node's flat order, with the shapes, strides and dtypes
    that they will always have; variables that the node updates stand among the inputs as their arrays. `attrs` are as
    the NumPy kernel gets them; `expression` is the node's scalar expression, if it has one.
    """

    type: str
    inputs: list[Array]
    outputs: list[Array]
    attrs: dict[str, Any]
    node_attrs: dict[str, Any] = field(default_factory=dict)
    # The value of each input that is a constant of the graph, else None.
    constants: list[Array | None] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    scratch_bytes: int = 0
    expression: Expression | None = None

    def known(self, i: int) -> Array:
        """Input `i`, whose value is constant; UnsupportedError where it is not."""
        value = self.constants[i] if self.constants else self.inputs[i]
        if value is None:
            raise UnsupportedError("an argument that is not constant")
        return value

    def call(self, kernel: str, chunks: int, *arguments: Any) -> None:
        """Adds a call. Chunks may run at once and in any order; the next call begins when all have ended."""
        if chunks > 0:
            self.calls.append(Call(kernel, int(chunks), tuple(map(_plain, arguments))))

    def scratch(self, nbytes: int) -> Scratch:
        """Memory, aligned to 64 bytes and not cleared, that is this node's own while its calls run."""
        place = Scratch(self.scratch_bytes, nbytes)
        self.scratch_bytes += -(-max(nbytes, 1) // 64) * 64
        return place

    def require(self, condition: bool, reason: str) -> None:
        """Raises UnsupportedError with `reason` unless the condition holds."""
        if not condition:
            raise UnsupportedError(reason)

    def require_float32(self) -> None:
        """Raises UnsupportedError unless all inputs and outputs are float32 and lie in C order."""
        for array in [*self.inputs, *self.outputs]:
            self.require(array.dtype == np.float32, f"{array.dtype}")
            self.require(array.flags.c_contiguous, "strided memory")


def _plain(value: Any) -> Argument:
    if isinstance(value, bool | np.bool_ | np.integer):
        return int(value)
    return float(value) if isinstance(value, np.floating) else value


Binding = Callable[[Bound], None]
# Op type -> what adds the calls for a node of it.
BINDINGS: dict[str, Binding] = {}


def native(*types: str) -> Callable[[Binding], Binding]:
    """Registers a function as the native binding of op types."""

    def register(binding: Binding) -> Binding:
        for op_type in types:
            if op_type in BINDINGS:
                raise ValueError(f"{op_type} has two native bindings")
            BINDINGS[op_type] = binding
        return binding

    return register


# Work below this many elements or multiply-adds is done by one thread: handing it out costs about a microsecond.
SMALL_WORK = 16 * 1024


def chunks_of(count: int, cost: int = 1, least: int = SMALL_WORK) -> tuple[int, int]:
    """(elements a chunk, chunks) for `count` elements of `cost` each: a function of the work alone, not of the threads."""
    if count * cost <= 2 * least:
        return max(count, 1), 1
    # Sixteen chunks let up to eight threads end at about the same time, with whole cache lines each.
    size = max(-(-count // 16), -(-least // cost), 1)
    if size > 64:
        size = -(-size // 64) * 64
    return size, -(-count // size)
