"""What a library's layout of images and filters needs before and after a convolution: kernels that move elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..calls import MOST_BLOCKS, THREADS
from ..device import Call, Device, Sizes4
from ..source import Kernel

_FILES = ("image_moves.cuh",)
# Elements are moved by their size: as integers.
_WORDS = {2: "unsigned short", 4: "unsigned int", 8: "unsigned long long"}
_TILE, _HEIGHT = 32, 8


def moving_kernel(itemsize: int) -> Kernel:
    """The kernel that puts images of such elements into larger ones, or cuts smaller ones out."""
    word = _WORDS[itemsize]
    names = ("to_rows", "to_columns", "from_rows", "from_columns", "channels", "top", "left")
    parameters = [(f"{word}*", "to"), (f"const {word}*", "from"), ("long long", "count"), *(("int", n) for n in names)]
    body = f"move_images(to, from, count, {', '.join(names)});"
    return Kernel(f"hr_move_images_{itemsize}", tuple(parameters), body, _FILES, THREADS)


def turning_kernel(itemsize: int) -> Kernel:
    """The kernel that transposes matrices of such elements."""
    word = _WORDS[itemsize]
    parameters = ((f"{word}*", "to"), (f"const {word}*", "from"), ("int", "rows"), ("int", "columns"))
    body = "turn_matrix(to, from, rows, columns);"
    return Kernel(f"hr_turn_matrix_{itemsize}", parameters, body, _FILES, _TILE * _HEIGHT, synchronizes=True)


def kernels() -> Sequence[Kernel]:
    """All of them."""
    return [kind(itemsize) for kind in (moving_kernel, turning_kernel) for itemsize in _WORDS]


def moved(
    device: Device, to: int, to_sizes: Sizes4, source: int, sizes: Sizes4, shift: tuple[int, int], item: int
) -> Call:
    """Images [count, rows, columns, channels] with `shift` rows above and columns to the left, or fewer by as many."""
    function = _loaded(device, moving_kernel(item))
    blocks = min(-(-math.prod(to_sizes) // THREADS), MOST_BLOCKS)
    arguments = (to, source, to_sizes[0], *to_sizes[1:3], *sizes[1:3], to_sizes[3], *shift)
    return device.launch(function, (blocks, 1, 1), (THREADS, 1, 1), 0, arguments)


def turned(device: Device, to: int, source: int, rows: int, columns: int, itemsize: int) -> Call:
    """A matrix [rows, columns], transposed."""
    function = _loaded(device, turning_kernel(itemsize))
    blocks = -(-rows // _TILE) * -(-columns // _TILE)
    return device.launch(function, (blocks, 1, 1), (_TILE, _HEIGHT, 1), 0, (to, source, rows, columns))


def _loaded(device: Device, kernel: Kernel) -> Any:
    return device.load([kernel])[kernel.name]
