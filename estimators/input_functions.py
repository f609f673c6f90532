"""tf.estimator.inputs: input functions over NumPy arrays and pandas frames in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..datasets.arrays import ArrayBatches
from ..datasets.sources import odd_row
from ..engine.ops.random import get_seed

InputFn = Callable[[], Any]

_SHUFFLE = (
    "shuffle must be provided and explicitly set as boolean (it is recommended to set it as True for training); got {}"
)


def numpy_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int | None = 1000,
    num_threads: int = 1,
) -> InputFn:
    """An input function over arrays, as tf.estimator.inputs.numpy_input_fn.

    Args:
        x: an array, or a dict of arrays with one first size.
        y: labels as an array or a dict of arrays, or None.
        batch_size: rows a batch; batches go on from one epoch to the next, the last of all may be smaller.
        num_epochs: passes over the rows, None for no end.
        shuffle: whether each epoch has an order of its own; must be given.
        queue_capacity: accepted: rows are drawn from all, not from a queue.
        num_threads: accepted: batches are cut out at once.

    Returns:
        A function that gives (features, labels), or features where there are no labels.

    Raises:
        ValueError: shuffle is no bool; when the function is called: x or y is empty, keys are in both, or the numbers
            of rows differ.
        TypeError: when the function is called: x is neither an array nor a dict.
    """
    _check_shuffle(shuffle)

    def input_fn() -> Any:
        features = _features(x)
        labels = _labels(y, features)
        _check_rows(features, y, labels)
        given = x if isinstance(x, np.ndarray) else features
        return _tensors(given if labels is None else (given, labels), batch_size, num_epochs, bool(shuffle))

    return input_fn


def _check_shuffle(shuffle: Any) -> None:
    if not isinstance(shuffle, bool):
        raise ValueError(_SHUFFLE.format(shuffle))


def _features(x: Any) -> dict[str, Any]:
    if isinstance(x, Mapping):
        if not x:
            raise ValueError("x cannot be an empty dict")
        return {key: _array(f"The column {key!r}", value) for key, value in x.items()}
    if not isinstance(x, np.ndarray):
        raise TypeError(f"x must be a dict or array; got {type(x).__name__}")
    if x.size == 0:
        raise ValueError("x cannot be an empty array")
    return {"x": _array("The array x", x)}


def _labels(y: Any, features: Mapping[str, Any]) -> Any:
    if not isinstance(y, Mapping):
        return None if y is None else _array("The array y", y)
    if not y:
        raise ValueError("y cannot be empty dict, use None instead.")
    twice = set(features) & set(y)
    if twice:
        raise ValueError(f"{len(twice)} duplicate keys are found in both x and y: {twice}")
    return {key: _array(f"The label {key!r}", value) for key, value in y.items()}


def _array(name: str, values: Any) -> np.ndarray[Any, Any]:
    """The values as an array of numbers or of text; ValueError or TypeError names the first row that does not fit."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        row = odd_row(values)
        at = "" if row is None else f": row {row} has another shape than those before it"
        raise ValueError(f"{name} is no array{at} ({error})") from None
    if array.dtype.kind == "O" and not set(map(type, array.ravel().tolist())) <= {str, bytes}:
        wrong = [i for i, row in enumerate(array) if not all(isinstance(v, str | bytes) for v in np.ravel(row))]
        if wrong:
            raise TypeError(
                f"{name} holds Python objects that are no text, first in row {wrong[0]}: {array[wrong[0]]!r:.80}. "
                "Numbers need a number's dtype: astype(np.float32)"
            )
    return array


def _check_rows(features: Mapping[str, Any], y: Any, labels: Any) -> None:
    parts = [] if labels is None else list(labels.values()) if isinstance(labels, Mapping) else [labels]
    if len({array.shape[:1] for array in [*features.values(), *parts]}) == 1:
        return
    shapes = {key: array.shape for key, array in features.items()}
    of_y = (
        {key: array.shape for key, array in labels.items()}
        if isinstance(y, Mapping)
        else getattr(labels, "shape", None)
    )
    raise ValueError(
        "Length of tensors in x and y is mismatched. All elements in x and y must have the same length.\n"
        f"Shapes in x: {shapes}\nShapes in y: {of_y}\n"
    )


def _tensors(arrays: Any, batch_size: int, epochs: int | None, shuffle: bool) -> Any:
    # With a seed of the graph the order is the same in each run.
    seed = get_seed(None)[1] if shuffle else None
    data = ArrayBatches(arrays, batch_size, epochs, shuffle, seed, drop_remainder=epochs is None, across=True)
    return data.make_one_shot_iterator().get_next()


def pandas_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int | None = 1000,
    num_threads: int = 1,
    target_column: str = "target",
) -> InputFn:
    """An input function over a pandas DataFrame, as tf.estimator.inputs.pandas_input_fn.

    Args:
        x: a DataFrame; each column is a feature.
        y: labels as a Series, or as a DataFrame, which gives a dict of labels; None if there are none.
        batch_size: rows a batch; batches go on from one epoch to the next, the last of all may be smaller.
        num_epochs: passes over the rows, None for no end.
        shuffle: whether each epoch has an order of its own; must be given.
        queue_capacity: accepted: rows are drawn from all, not from a queue.
        num_threads: accepted: batches are cut out at once.
        target_column: a name that no column of `x` may have.

    Raises:
        ValueError: shuffle is no bool, `x` has a column named `target_column`, or the indexes of x and y differ.
        TypeError: target_column is no string.
    """
    _check_shuffle(shuffle)
    if not isinstance(target_column, str):
        raise TypeError("target_column must be a string type")
    features = {name: _column(x[name]) for name in x.columns}
    labels: Any = None
    if y is not None:
        if target_column in x:
            raise ValueError(
                f"Cannot use name {target_column} for target column: DataFrame already has a column with that name: {x.columns}"
            )
        if not np.array_equal(x.index, y.index):
            raise ValueError(f"Index for x and y are mismatched.\nIndex for x: {x.index}\nIndex for y: {y.index}\n")
        labels = {name: _column(y[name]) for name in y.columns} if hasattr(y, "columns") else _column(y)

    def input_fn() -> Any:
        arrays = features if labels is None else (features, labels)
        return _tensors(arrays, batch_size, num_epochs, bool(shuffle))

    return input_fn


def _column(column: Any) -> Any:
    # Columns of text are of pandas' own dtypes, or of objects.
    array = np.asarray(column)
    return array.astype(object) if array.dtype.kind in "OSU" else array
