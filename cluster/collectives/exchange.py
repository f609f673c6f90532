"""What is exchanged: the arrays of one collective operation, the words that describe it and the number that all compare."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ...engine.dtypes import as_dtype

Array = np.ndarray[Any, Any]
SUM, GATHER = 0, 1
# Numbers of dtypes in the native runtime; other integers are added as unsigned ones of their size.
CODES = {"float32": 0, "float64": 1, "int32": 2, "int64": 3, "uint32": 2, "uint64": 3, "float16": 4, "bfloat16": 5}
SEPARATOR = "; "


def dtype_name(array: Array) -> str:
    """The name of an array's dtype, of bfloat16 too."""
    name: str = as_dtype(array.dtype).name
    return name


def shape_text(array: Array) -> str:
    """The dtype and shape, as in float32[2,3]."""
    return f"{dtype_name(array)}[{','.join(map(str, array.shape))}]"


@dataclass(frozen=True)
class Operation:
    """What all ranks must do alike.

    Attributes:
        text: for people: what is done, with names, dtypes and shapes.
        tag: a number made of it.
    """

    text: str
    tag: int


@lru_cache(maxsize=4096)
def operation(what: str, name: str, arrays: tuple[str, ...], rest: str = "") -> Operation:
    """The operation `what` on the tensor `name`, or on several whose names have commas between them.

    `arrays` are as of shape_text, one a name; `rest` says what else must be alike.
    """
    names = name.split(", ")
    if len(names) != len(arrays):
        names, arrays = [name], (", ".join(arrays),)
    items = [f"{n} {a}".rstrip() for n, a in zip(names, arrays, strict=True)]
    text = f"{what}{f' ({rest})' if rest else ''} of {SEPARATOR.join(items)}"
    digest = hashlib.blake2b("\0".join([what, name, *arrays, rest]).encode(), digest_size=8).digest()
    return Operation(text, int.from_bytes(digest, "little", signed=True))


@dataclass(eq=False)
class Exchange:
    """One collective operation on memory that stays where it is.

    Attributes:
        operation: what it is.
        kind: SUM or GATHER.
        inputs, outputs: for a SUM the arrays and their sums; for a GATHER what this rank gives, and a place for each.
        wire: the dtype on the way, "" for the arrays' own.
        in_background: whether it is done while this process computes.
    """

    operation: Operation
    kind: int
    inputs: Sequence[Array]
    outputs: Sequence[Array]
    wire: str = ""
    in_background: bool = False
    # As the native runtime reads it, made for a group of ranks.
    native: dict[int, Array] = field(default_factory=dict)
    # What hands the sums of all hosts to the ranks of one.
    spread: Exchange | None = None

    @property
    def dtype(self) -> str:
        """The name of the arrays' dtype."""
        return dtype_name(self.outputs[0]) if self.kind == SUM and self.outputs else "int64"

    @property
    def nbytes(self) -> int:
        """The bytes that this rank gives."""
        item = 2 if self.wire else None
        return sum(a.size * (item or a.itemsize) for a in self.inputs)

    def parts(self, rank: int) -> list[tuple[int, int, int]]:
        """Address, address of the result, and count of each part."""
        if self.kind == SUM:
            pairs = zip(self.inputs, self.outputs, strict=True)
            return [(address(a), address(out), a.size) for a, out in pairs if a.size]
        given = address(self.inputs[0]) if self.inputs else 0
        return [(given if q == rank else 0, address(out), out.nbytes) for q, out in enumerate(self.outputs)]


def address(array: Array) -> int:
    """Where an array lies.

    Raises:
        ValueError: it is not in one piece.
    """
    if not array.flags.c_contiguous:
        raise ValueError("what is exchanged must lie in one piece")
    found: int = array.__array_interface__["data"][0]
    return found
