"""The data that preprocessing layers are adapted to: arrays, batches, and datasets of the default graph."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from ...engine.errors import OutOfRangeError
from . import backend


def batches(data: Any, steps: int | None = None) -> Iterator[Any]:
    """The arrays of data: one of an array or a list of values, those of an iterable of arrays, those of a dataset.

    Args:
        data: an array, a list of numbers or strings, an iterable of arrays, or a `tf.data.Dataset`.
        steps: how many batches of it; all by default.

    Raises:
        TypeError: it is none of these.
    """
    return islice(_all_batches(data), steps)


def _all_batches(data: Any) -> Iterator[Any]:
    if hasattr(data, "make_one_shot_iterator"):
        yield from _of_dataset(data)
    elif isinstance(data, np.ndarray):
        yield data
    elif isinstance(data, list | tuple) and not any(isinstance(part, np.ndarray) for part in data):
        yield np.array(data)
    elif hasattr(data, "__array__") and not hasattr(data, "graph"):
        yield np.asarray(data)
    elif hasattr(data, "__iter__") and not isinstance(data, str | bytes) and not hasattr(data, "graph"):
        yield from (np.asarray(part[0] if isinstance(part, tuple) else part) for part in data)
    else:
        raise TypeError(f"adapt takes an array, an iterable of batches or a dataset, got {type(data).__name__}")


def _of_dataset(data: Any) -> Iterator[Any]:
    element = data.make_one_shot_iterator().get_next()
    value = element[0] if isinstance(element, tuple) else element
    session = backend.get_session()
    while True:
        try:
            yield session.run(value)
        except OutOfRangeError:
            return
