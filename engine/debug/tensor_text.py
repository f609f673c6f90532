"""Tensors as text: slices such as `a:0[0, :]`, ranges that mark elements, and a summary in numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np

Index = tuple[int | slice | EllipsisType, ...]
Ranges = list[tuple[float, float]]

_TENSOR = re.compile(r"(?P<node>[^\[\]:]+)(:(?P<slot>\d+))?(:(?P<op>[A-Za-z]\w*))?(?P<index>\[.*\])?$")


class CommandError(Exception):
    """Says what is wrong with what was typed."""


class TensorName:
    """A tensor as commands spell it: `node`, `node:0`, `node:0:DebugNumericSummary`, each with `[slices]` behind it."""

    def __init__(self, text: str) -> None:
        found = _TENSOR.match(text)
        if found is None:
            raise CommandError(f"{text!r} is not the name of a tensor, such as hidden/Relu:0 or hidden/Relu:0[0, :]")
        self.node: str = found["node"]
        self.slot = None if found["slot"] is None else int(found["slot"])
        self.debug_op: str | None = found["op"]
        self.index_text: str = found["index"] or ""
        self.index: Index | None = parse_index(self.index_text[1:-1]) if self.index_text else None


def parse_index(text: str) -> Index:
    """Slices as NumPy's, of numbers alone.

    Raises:
        CommandError: they are something else.

    Example:
        >>> from headrace.engine.debug.tensor_text import parse_index
        >>> parse_index("0, 1:, ...")
        (0, slice(1, None, None), Ellipsis)
    """
    return tuple(_index_part(part.strip()) for part in text.split(","))


def _index_part(part: str) -> int | slice | EllipsisType:
    if part == "...":
        return ...
    try:
        if ":" not in part:
            return int(part)
        numbers = [int(n) if n.strip() else None for n in part.split(":")]
    except ValueError:
        raise CommandError(f"{part!r} is not a number or a slice such as 2:8") from None
    if len(numbers) > 3:
        raise CommandError(f"{part!r} has more than three numbers")
    return slice(*numbers)


def parse_ranges(text: str) -> Ranges:
    """Ranges as `0,1`, `[0, 1]` or `[[-inf, 0], [1, inf]]`.

    Raises:
        CommandError: they are something else.
    """
    words = [w for w in re.split(r"[\[\],\s]+", text) if w]
    try:
        numbers = [float(w) for w in words]
    except ValueError:
        raise CommandError(f"{text!r} is not a range, such as 0,1 or [[-inf, 0], [1, inf]]") from None
    if not numbers or len(numbers) % 2:
        raise CommandError(f"{text!r} is not a range: it has {len(numbers)} numbers")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def array_text(array: Any, everything: bool = False, ranges: Ranges | None = None) -> str:
    """The elements; of many the first and last ones, unless all are asked for. Those in a range have a star."""
    array = np.asarray(array)
    threshold = sys.maxsize if everything else 1000
    if not ranges:
        return np.array2string(array, threshold=threshold, max_line_width=100)

    def marked(item: Any) -> str:
        return f"{item:.8g}{'*' if _inside(item, ranges) else ''}"

    return np.array2string(array, threshold=threshold, max_line_width=100, formatter={"all": marked})


def _inside(item: Any, ranges: Ranges) -> bool:
    return any(low <= item <= high for low, high in ranges)


def ranges_text(array: Any, ranges: Ranges) -> str:
    """How many elements lie in the ranges, and where the first of them are."""
    array = np.asarray(array)
    if not is_real(array):
        raise CommandError(f"Ranges are for numbers, not for {array.dtype}")
    inside = np.zeros(array.shape, bool)
    for low, high in ranges:
        inside |= (array >= low) & (array <= high)
    places = [str([int(i) for i in place]) for place in np.argwhere(inside)[:10]]
    count = int(inside.sum())
    return (
        f"{count} of {array.size} elements in {_shown(ranges)}"
        + (f": {', '.join(places)}" if count else "")
        + (", ..." if count > 10 else "")
    )


def _shown(ranges: Ranges) -> str:
    return " or ".join(f"[{low:g}, {high:g}]" for low, high in ranges)


def is_real(array: Any) -> bool:
    """Whether an array's elements are numbers that can be compared (or true and false)."""
    return array.dtype.kind in "fiub" or (array.dtype.kind == "V" and not array.dtype.fields)


def summary_lines(array: Any) -> Sequence[str]:
    """How many elements are NaN, infinite, negative, zero and positive; extremes, mean and standard deviation."""
    array = np.asarray(array)
    if array.dtype.kind == "b":
        return [f"{array.size} elements: {int((~array).sum())} false, {int(array.sum())} true"]
    if not is_real(array):
        return [f"{array.size} elements of {array.dtype}, which has no summary in numbers"]
    flat = array.astype(np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    counts = {
        "NaN": np.isnan(flat).sum(),
        "-Inf": np.isneginf(flat).sum(),
        "Inf": np.isposinf(flat).sum(),
        "negative": (finite < 0).sum(),
        "zero": (finite == 0).sum(),
        "positive": (finite > 0).sum(),
    }
    lines = [f"{flat.size} elements: " + ", ".join(f"{int(n)} {name}" for name, n in counts.items() if n)]
    if finite.size:
        words = [("min", finite.min()), ("max", finite.max()), ("mean", finite.mean()), ("std", finite.std())]
        what = "" if finite.size == flat.size else "of the finite ones: "
        lines.append(what + ", ".join(f"{word} {value:.6g}" for word, value in words))
    return lines
