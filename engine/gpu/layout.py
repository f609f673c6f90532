"""How arrays lie in memory against each other, and views of them by NumPy's own functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..unsupported import UnsupportedError
from .calls import DeviceArray

Array = np.ndarray[Any, Any]


def view(x: DeviceArray, function: Callable[[Array], Array]) -> DeviceArray:
    """What a view function of NumPy, such as a transpose or a slice, makes of an array in a device's memory.

    Raises:
        UnsupportedError: there is no such view.
    """
    ghost = as_strided(np.empty(1, x.dtype), x.shape, x.strides)
    try:
        after = function(ghost)
    except ValueError as error:
        raise UnsupportedError("strided memory") from error
    # A view of no elements may begin behind the end, where no array can.
    moved = _start(after) - _start(ghost) if after.size else 0
    return DeviceArray(x.address + moved, after.dtype, after.shape, after.strides)


def _start(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def broadcast(x: DeviceArray, sizes: Sequence[int]) -> DeviceArray:
    """The array repeated to a shape, without a copy."""
    return view(x, lambda a: np.broadcast_to(a, tuple(sizes)))


def reshaped(x: DeviceArray, *sizes: int) -> DeviceArray:
    """The array in another shape without a copy; UnsupportedError where its strides do not allow that."""
    return view(x, lambda a: np.reshape(a, sizes, copy=False))


@dataclass(frozen=True)
class Axes:
    """Axes that several arrays share, as few as there can be: sizes, and each array's strides in elements."""

    sizes: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.sizes)

    @property
    def extents(self) -> list[int]:
        """How far, in elements, each array reaches from its first element, at most."""
        return [sum(abs(s) * (n - 1) for s, n in zip(row, self.sizes, strict=True)) for row in self.strides]


def merged(sizes: Sequence[int], arrays: Sequence[DeviceArray], kept: Sequence[int] = ()) -> Axes:
    """The axes of `sizes`, to which the arrays are broadcast, with neighbours joined where memory allows.

    Axes of one element are dropped; no axis is joined with the next one across the borders `kept`.
    """
    wide = [element_strides(broadcast(x, sizes)) for x in arrays]
    axes: list[tuple[int, list[int]]] = []
    open_ = False
    for i, size in enumerate(sizes):
        if i in kept:
            open_ = False
        if size == 1:
            continue
        steps = [row[i] for row in wide]
        if open_ and all(o == size * s for o, s in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * size, steps)
        else:
            axes.append((size, steps))
        open_ = True
    return Axes(tuple(n for n, _ in axes), tuple(tuple(s[i] for _, s in axes) for i in range(len(arrays))))


def element_strides(x: DeviceArray) -> tuple[int, ...]:
    """The strides in elements; UnsupportedError where elements lie across them."""
    if any(s % x.dtype.itemsize for s in x.strides):
        raise UnsupportedError("strides between elements")
    return tuple(s // x.dtype.itemsize if n > 1 else 0 for s, n in zip(x.strides, x.shape, strict=True))


def row_major_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a contiguous array."""
    return tuple(math.prod(sizes[i + 1 :]) for i in range(len(sizes)))
