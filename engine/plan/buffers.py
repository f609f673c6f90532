"""Planned memory: buffers with lifetimes, strided views of them, and cells for values of unknown shape."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..dtypes import DType

# Start of each buffer in the arena: a cache line, and what the widest vector loads want.
ALIGNMENT = 64


class Storage(enum.Enum):
    """Where a buffer lives."""

    ARENA = "arena"
    FEED = "feed"
    CONSTANT = "constant"
    VARIABLE = "variable"


@dataclass(eq=False, slots=True)
class Buffer:
    """Some bytes: in the arena at `offset` from step `first` to step `last`, or elsewhere for good."""

    storage: Storage
    nbytes: int
    key: str = ""
    array: np.ndarray[Any, Any] | None = None
    first: int = 0
    last: int = 0
    offset: int = -1


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """A strided window on a buffer: an array's metadata without its address. Strides and offset are in bytes."""

    buffer: Buffer
    dtype: DType
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def nbytes(self) -> int:
        """The bytes of the elements seen."""
        return math.prod(self.sizes) * self.dtype.numpy.itemsize

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return self.strides == contiguous_strides(self.sizes, self.dtype.numpy.itemsize)

    def same_window(self, other: View) -> bool:
        """Whether both views see the same elements in the same order."""
        return (self.sizes, self.strides, self.offset) == (other.sizes, other.strides, other.offset)

    def ghost(self) -> np.ndarray[Any, Any]:
        """An array with the view's metadata and no memory of its own: for NumPy's view functions, never to be read."""
        base = np.empty(1, self.dtype.numpy)
        return as_strided(base, self.sizes, self.strides)

    def through(self, before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> View:
        """The view that `after`, made from the ghost `before` by a view function, has of the buffer."""
        # A view of no elements may begin behind the end of the buffer, where no array can.
        moved = after.__array_interface__["data"][0] - before.__array_interface__["data"][0] if after.size else 0
        return View(self.buffer, self.dtype, after.shape, after.strides, self.offset + moved)


@dataclass(eq=False, slots=True)
class Cell:
    """A place for a value whose shape is known only when it is there, or that is no array of numbers."""

    dtype: DType
    name: str = ""


Place = View | Cell | None


def contiguous_strides(sizes: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The byte strides of a row-major array."""
    strides = [itemsize] * len(sizes)
    for i in range(len(sizes) - 2, -1, -1):
        strides[i] = strides[i + 1] * sizes[i + 1]
    return tuple(strides)


def whole(buffer: Buffer, dtype: DType, sizes: tuple[int, ...]) -> View:
    """The row-major view of a whole buffer."""
    return View(buffer, dtype, sizes, contiguous_strides(sizes, dtype.numpy.itemsize))
