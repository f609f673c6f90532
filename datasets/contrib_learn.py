"""Data sets as tf.contrib.learn gives them: pairs of examples and targets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine.errors import InvalidArgumentError
from ..engine.platform import gfile
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


def load_csv_with_header(
    filename: Any, target_dtype: Any, features_dtype: Any, target_column: int = -1
) -> DataAndTarget:
    """The numbers of a CSV file whose first line says how many rows and features there are, as those of the iris tutorial.

    Args:
        filename: a path.
        target_dtype, features_dtype: NumPy's types.
        target_column: the column of the targets.

    Raises:
        InvalidArgumentError: the header or a row is of another form; the file and its line are named.
    """
    with gfile.Open(filename) as file:
        lines = csv.reader(file)
        header = next(lines, [])
        try:
            rows, features = int(header[0]), int(header[1])
        except (IndexError, ValueError):
            text = f"{filename}: the first line must begin with the numbers of rows and of features, got {header}"
            raise InvalidArgumentError(None, None, text) from None
        found = _loaded(filename, list(lines), target_dtype, features_dtype, target_column, 2)
    if found.data.shape != (rows, features):
        text = f"{filename}: the header says {rows} rows of {features} features, there are {list(found.data.shape)}"
        raise InvalidArgumentError(None, None, text)
    return found


def load_csv_without_header(
    filename: Any, target_dtype: Any, features_dtype: Any, target_column: int = -1
) -> DataAndTarget:
    """The numbers of a CSV file without a header; arguments and errors as of `load_csv_with_header`."""
    with gfile.Open(filename) as file:
        return _loaded(filename, list(csv.reader(file)), target_dtype, features_dtype, target_column, 1)


def _loaded(
    filename: Any, lines: Sequence[list[str]], target_dtype: Any, features_dtype: Any, target_column: int, first: int
) -> DataAndTarget:
    data, target = [], []
    for number, row in enumerate(lines, first):
        try:
            rest = list(row)
            target.append(np.asarray(rest.pop(target_column)).astype(target_dtype))
            data.append(np.asarray(rest).astype(features_dtype))
        except (IndexError, ValueError) as error:
            raise InvalidArgumentError(None, None, f"{filename}, line {number}: {row} ({error})") from None
        if len(data[-1]) != len(data[0]):
            text = f"{filename}, line {number}: {len(data[-1])} features, those before have {len(data[0])}"
            raise InvalidArgumentError(None, None, text)
    return DataAndTarget(np.array(data, features_dtype), np.array(target, target_dtype))
