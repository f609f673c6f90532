"""What `fit`, `evaluate` and `predict` take besides input functions: arrays, lists and dictionaries of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..datasets.arrays import ArrayBatches
from .columns import NumericColumn

InputFn = Callable[[], Any]

# The feature that stands for an unnamed array.
ARRAY_FEATURE = "x"


def columns_of(x: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Named columns of examples: those of a mapping, or one called "x".

    Raises:
        ValueError: a column is empty, ragged or holds NaN or infinity, with its name and first bad row.
    """
    named = dict(x) if isinstance(x, Mapping) else {ARRAY_FEATURE: x}
    return {str(name): _checked(str(name), values) for name, values in named.items()}


def _checked(name: str, values: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(values)
    except (ValueError, NotImplementedError) as error:
        raise ValueError(f"The column {name!r} is not an array: {error}") from None
    if array.ndim == 0 or array.dtype.kind == "O":
        raise ValueError(f"The column {name!r} must be an array of examples, got {array.dtype} of shape {array.shape}")
    if len(array) and not array.size:
        raise ValueError(f"The column {name!r} has {len(array)} examples without a number: its shape is {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(f"The column {name!r} holds NaN or infinity, first in row {row}: {array[row]!r:.100}")
    return array.astype(np.float32) if array.dtype == np.float64 else array


def batches(
    x: Any, y: Any, batch_size: int, epochs: int | None = 1, shuffle: bool = False, seed: int | None = None
) -> ArrayBatches:
    """The examples as minibatches of (features, labels), or of features alone where y is None."""
    features = columns_of(x)
    labels = None if y is None else np.asarray(y)
    if labels is not None:
        _check_lengths(features, labels)
    elements = features if labels is None else (features, labels)
    return ArrayBatches(elements, batch_size, epochs, shuffle, seed)


def _check_lengths(features: Mapping[str, np.ndarray[Any, Any]], labels: np.ndarray[Any, Any]) -> None:
    for name, column in features.items():
        if labels.ndim == 0 or len(column) != len(labels):
            raise ValueError(f"The column {name!r} has {len(column)} rows, but y has shape {labels.shape}")


def input_fn_of(data: ArrayBatches) -> InputFn:
    """An input function that gives the tensors of minibatches."""
    return lambda: data.make_one_shot_iterator().get_next()


def numeric_columns_of(x: Any) -> list[NumericColumn]:
    """A numeric column for each of the named columns of `x`."""
    found = []
    for name, array in columns_of(x).items():
        if array.dtype.kind not in "fiub":
            raise ValueError(f"The column {name!r} holds {array.dtype}, not numbers: give feature_columns")
        found.append(NumericColumn(name, tuple(array.shape[1:]) or (1,)))
    return found
