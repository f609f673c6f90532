"""Prices of houses with measures of each in Keras's npz files, divided as Keras divides them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .npz import read_npz

Part = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def read_divided(find: Callable[[], Path], test_split: float, seed: int, most: int | None = None) -> tuple[Part, Part]:
    """(x_train, y_train), (x_test, y_test) of a file.

    Args:
        find: gives the file.
        test_split: share of the rows in the test part.
        seed: of the order.
        most: rows that are taken, the first ones; all by default.

    Raises:
        ValueError: test_split is not from 0 to below 1, or the file is damaged.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split: expected a number from 0 to below 1, got {test_split}")
    file = find()
    x, y = read_npz(file, ("x", "y"))
    if not all(isinstance(a, np.ndarray) for a in (x, y)) or x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"{file}: expected arrays 'x' of [n, measures] and 'y' of [n]")
    x, y = x[:most], y[:most]
    order = np.arange(len(x))
    # RandomState, whose streams never change, and Keras's way of using it.
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    train = int(len(x) * (1 - test_split))
    return (x[:train], y[:train]), (x[train:], y[train:])
