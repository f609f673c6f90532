"""Rows of a random array without the others: those that a random op would have drawn, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distributions import box_muller, truncated_groups, uniform_words
from .philox import Stream, philox_at

Array = NDArray[Any]
Groups = NDArray[np.uint64]


def _uniform(stream: Stream, groups: Groups, size: int, dtype: np.dtype[Any]) -> Array:
    result = np.empty(len(groups) * size, dtype)
    uniform_words(philox_at(stream, groups).reshape(-1), result)
    return result.reshape(-1, size)


def _normal(stream: Stream, groups: Groups, size: int, dtype: np.dtype[Any]) -> Array:
    return box_muller(philox_at(stream, groups), dtype)


# What draws the numbers that belong to blocks of a stream, by op type.
DRAWS: dict[str, Callable[[Stream, Groups, int, np.dtype[Any]], Array]] = {
    "RandomUniform": _uniform,
    "RandomStandardNormal": _normal,
    "TruncatedNormal": truncated_groups,
}


def random_rows(kind: str, stream: Stream, rows: NDArray[np.int64], width: int, dtype: np.dtype[Any]) -> Array:
    """The rows with these numbers of the array `[..., width]` that the op `kind` draws from a stream.

    Args:
        kind: a key of DRAWS.
        stream: where the array begins.
        rows: their numbers, not negative.
        width: elements a row.
        dtype: float16, bfloat16, float32 or float64.

    Returns:
        `[len(rows), width]`.
    """
    size = 2 if dtype == np.float64 else 4
    starts = rows * width
    first, extra = starts // size, starts % size
    # As many groups for every row as the one needs that begins latest in its first group.
    count = -(-(int(extra.max(initial=0)) + width) // size)
    groups = (first[:, None] + np.arange(count)).astype(np.uint64)
    drawn = DRAWS[kind](stream, groups.reshape(-1), size, dtype).reshape(len(rows), -1)
    places: Array = extra[:, None] + np.arange(width)
    return np.take_along_axis(drawn, places, axis=1)
