"""Data sets as tf.contrib.learn gives them: pairs of examples and targets."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import iris


class DataAndTarget(NamedTuple):
    """Examples and their targets."""

    data: Any
    target: Any


def load_iris() -> DataAndTarget:
    """Fisher's irises, as `headrace.datasets.iris`: data float32 [150, 4], target int64 [150].

    Example:
        >>> import headrace as tf
        >>> tf.contrib.learn.datasets.load_iris().data.shape
        (150, 4)
    """
    return DataAndTarget(*iris.load_data())


def load_dataset(name: str) -> DataAndTarget:
    """The data set of a name; there is "iris".

    Raises:
        ValueError: there is no such name.
    """
    if name != "iris":
        raise ValueError(f"There is no data set {name!r} but 'iris'; others are in headrace.datasets")
    return load_iris()
