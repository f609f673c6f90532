"""Images whose pixels come from other places: affine maps with several ways to fill what lies outside."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import int32
from ...engine.ops.array import shape as shape_of, stack
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.binary import maximum, minimum
from ...engine.ops.casting import cast
from ...engine.ops.division import floormod
from ...engine.ops.indexing import gather_nd
from ...engine.ops.ranges import range as numbers
from ...engine.ops.rounding import floor, rint
from ...engine.ops.unary import abs as absolute

FILLS = ("reflect", "constant", "wrap", "nearest")


def moved(images: Any, matrix: tuple[Any, ...], fill_mode: str, fill_value: float, interpolation: str) -> Any:
    """Images whose pixel at x, y comes from a x + b y + c, d x + e y + f.

    Args:
        images: [batch, height, width, channels] of a float dtype.
        matrix: a, b, c, d, e, f, each [batch].
        fill_mode: "reflect" (the edge pixel twice), "wrap", "nearest" or "constant".
        fill_value: for "constant".
        interpolation: "bilinear" or "nearest".
    """
    dtype, sizes = images.dtype.base_dtype, shape_of(images)
    rows, columns = cast(numbers(sizes[1]), dtype)[None, :, None], cast(numbers(sizes[2]), dtype)[None, None, :]
    a, b, c, d, e, f = (value[:, None, None] for value in matrix)
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    height, width = cast(sizes[1], dtype), cast(sizes[2], dtype)
    pixels = _Pixels(images, height, width, fill_mode, fill_value)
    if interpolation == "nearest":
        return pixels.at(rint(y), rint(x))
    if fill_mode != "constant":
        y, x = _inside(y, height, fill_mode), _inside(x, width, fill_mode)
    top, left = floor(y), floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    upper = pixels.at(top, left) * (1.0 - right) + pixels.at(top, left + 1.0) * right
    lower = pixels.at(top + 1.0, left) * (1.0 - right) + pixels.at(top + 1.0, left + 1.0) * right
    return upper * (1.0 - down) + lower * down


class _Pixels:
    def __init__(self, images: Any, height: Any, width: Any, fill_mode: str, fill_value: float) -> None:
        self.images, self.height, self.width = images, height, width
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def at(self, y: Any, x: Any) -> Any:
        """The pixels at whole places [batch, rows, columns]."""
        mode = "nearest" if self.fill_mode == "constant" else self.fill_mode
        row, column = (cast(_inside(v, n, mode), int32) for v, n in ((y, self.height), (x, self.width)))
        image = zeros_like(row) + numbers(shape_of(row)[0])[:, None, None]
        found = gather_nd(self.images, stack([image, row, column], axis=-1))
        if self.fill_mode != "constant":
            return found
        within = (y > -1.0) & (y < self.height) & (x > -1.0) & (x < self.width)
        share = cast(within, found.dtype.base_dtype)[..., None]
        return found * share + self.fill_value * (1.0 - share)


def _inside(place: Any, size: Any, mode: str) -> Any:
    """Places within [0, size - 1] that stand for any; between whole places they keep their share."""
    if mode == "wrap":
        return floormod(place, size)
    if mode == "reflect":
        # The edge pixel comes twice: the line turns half a pixel beyond it.
        turned = floormod(place + 0.5, 2.0 * size)
        place = size - absolute(size - turned) - 0.5
    return maximum(minimum(place, size - 1.0), 0.0)
