"""Checks of indices before anything is read or written through them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError

Array = NDArray[Any]


def check_indices(indices: Array, limit: int, name: str = "indices") -> None:
    """Raises unless every index lies in [0, limit).

    Raises:
        InvalidArgumentError: naming the first index that does not, in TensorFlow's words.

    >>> check_indices(np.array([[1, 9]]), 5)
    Traceback (most recent call last):
    ...
    headrace.engine.errors.InvalidArgumentError: indices[0,1] = 9 is not in [0, 5)
    """
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= limit):
        place = first_place((indices < 0) | (indices >= limit))
        raise InvalidArgumentError(None, None, f"{name}{brackets(place)} = {indices[place]} is not in [0, {limit})")


def check_nd_indices(indices: Array, shape: tuple[int, ...]) -> None:
    """Raises unless every row of `indices` `[..., rank]` lies within the first dims of `shape`.

    Raises:
        InvalidArgumentError: naming the first row that does not, or a rank that is too large.
    """
    rank = indices.shape[-1] if indices.ndim else 0
    if indices.ndim == 0 or rank > len(shape):
        raise InvalidArgumentError(
            None,
            None,
            f"indices: expected shape [..., rank] with rank <= {len(shape)} for "
            f"shape {list(shape)}, got {list(indices.shape)}",
        )
    beyond = (indices < 0) | (indices >= np.array(shape[:rank], dtype=np.int64))
    outside = np.asarray(beyond.any(axis=-1))
    if outside.any():
        place = first_place(outside)
        raise InvalidArgumentError(
            None,
            None,
            f"indices{brackets(place)} = {indices[place].tolist()} does not index into shape {list(shape)}",
        )


def first_place(found: NDArray[np.bool_]) -> tuple[int, ...]:
    """Returns the place of the first True, which there must be."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(found)), found.shape))


def brackets(place: tuple[int, ...]) -> str:
    """Returns a place as TensorFlow writes it: `[2,0]`, or nothing for a scalar."""
    return f"[{','.join(map(str, place))}]" if place else ""
