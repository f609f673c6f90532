"""Labels and weights in memory, checked before anything is trained: classes, numbers, weights of examples."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.checkpoint.files import write_durably
from ..engine.errors import DataLossError
from ..layers.fitting.rows import first_bad_row, first_outside, weights_by_class

Array = np.ndarray[Any, Any]
# In the folder of a classifier whose classes were found in labels.
_CLASSES_FILE = "classes.json"


def labels_of(y: Any, rows: int, owner: str) -> Array:
    """Labels as an array.

    Raises:
        ValueError: there are none, they are not as many as the examples, or a number is NaN or infinite.
    """
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None")
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"y is not an array: {error}") from None
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(f"x has {rows} rows, but y has shape {array.shape}")
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: y is {array.dtype}")
    if array.dtype.kind == "f":
        _check_finite("y", array)
    return array


def _check_finite(name: str, array: Array) -> None:
    row = first_bad_row(array)
    if row is not None:
        raise ValueError(f"{name} holds NaN or infinity, first in row {row}")


def vector(array: Array) -> Array:
    """Labels [n] of labels [n, 1]; scikit-learn's programs are warned as by its own estimators.

    Raises:
        ValueError: there is more than one label an example.
    """
    if array.ndim == 1:
        return array
    if array.shape[1:] != (1,):
        raise ValueError(f"y should be a 1d array, one label an example, got an array of shape {array.shape}")
    known = sys.modules.get("sklearn.exceptions")
    if known is not None:
        text = "A column-vector y was passed when a 1d array was expected: use y.ravel()"
        warnings.warn(text, known.DataConversionWarning, stacklevel=4)
    return array.reshape(-1)


def found_classes(labels: Array) -> Array:
    """The classes that there are in labels [n], sorted.

    Raises:
        ValueError: the labels are continuous numbers or mixed, or there is only one class.
    """
    if labels.dtype.kind == "f" and (bad := np.flatnonzero(labels != np.floor(labels))).size:
        row = int(bad[0])
        raise ValueError(
            f"Unknown label type: continuous. y holds {labels[row]} in row {row}; classes are whole or words"
        )
    try:
        classes: Array = np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels})
        raise ValueError(f"Unknown label type: the labels of y are of several types: {kinds}") from None
    if len(classes) < 2:
        raise ValueError(f"A classifier needs at least two classes, but y holds one class: {classes!r}")
    return classes


def write_classes(folder: str, classes: Array) -> None:
    """Notes classes that were found in labels beside the checkpoints of their model."""
    if classes.dtype.kind in "biufUO" and all(isinstance(c, bool | int | float | str) for c in classes.tolist()):
        text = json.dumps({"classes": classes.tolist(), "dtype": classes.dtype.str})
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_durably(Path(folder, _CLASSES_FILE), text.encode())


def read_classes(folder: str) -> Array | None:
    """The classes that are noted in a folder, None if there are none.

    Raises:
        DataLossError: the file is damaged.
    """
    path = Path(folder, _CLASSES_FILE)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        dtype = np.dtype(found["dtype"])
        if dtype.kind not in "biufUO" or not all(isinstance(c, bool | int | float | str) for c in found["classes"]):
            raise ValueError("these are no classes")
        return np.array(found["classes"], dtype=dtype)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise DataLossError(None, None, f"{path} is damaged: {error}") from error


def class_numbers(labels: Array, classes: Array) -> Array:
    """The places of labels in sorted classes, int64.

    Raises:
        ValueError: a label is no class; the first such row is named.
    """
    places = np.searchsorted(classes, labels).clip(0, len(classes) - 1)
    bad = np.flatnonzero(classes[places] != labels)
    if len(bad):
        row = int(bad[0])
        shown = ", ".join(str(c) for c in classes[:10]) + (", ..." if len(classes) > 10 else "")
        raise ValueError(
            f"y holds the label {labels[row : row + 1].tolist()[0]!r} in row {row}, which is none of the classes {shown}"
        )
    return places.astype(np.int64)


def check_class_numbers(labels: Array, n_classes: int) -> None:
    """Checks labels that are to be integers from 0 to n_classes - 1.

    Raises:
        ValueError: they are not; the first bad row is named.
    """
    if labels.dtype.kind not in "iub":
        # Two classes may be given as 0.0 and 1.0, as tf.estimator's.
        if n_classes > 2 or labels.dtype.kind != "f":
            raise ValueError(f"Labels must be integers from 0 to {n_classes - 1}, y is {labels.dtype}")
    row = first_outside(labels, n_classes)
    if row is not None:
        raise ValueError(f"Labels must be integers from 0 to {n_classes - 1}, y holds {labels[row]} in row {row}")


def sample_weights(given: Any, class_weight: Any, labels: Array | None, rows: int) -> Array | None:
    """Weights of examples [n]: their own times those of their classes; None where neither is given.

    Args:
        given: a number an example.
        class_weight: numbers by class, or "balanced" for as much weight for each class.
        labels: the examples' classes, as `class_weight` names them.
        rows: how many examples there are.

    Raises:
        ValueError: a weight is NaN or negative, all are zero, or they are not as many as the examples.
    """
    if given is None and class_weight is None:
        return None
    weights = np.ones(rows) if given is None else np.array(given, np.float64)
    if weights.ndim != 1 or len(weights) != rows:
        raise ValueError(f"Sample weights must be 1D array or scalar, one for each of {rows} rows: got {weights.shape}")
    _check_finite("sample_weight", weights)
    if (weights < 0).any():
        raise ValueError(f"sample_weight is negative in row {int(np.flatnonzero(weights < 0)[0])}")
    if class_weight is not None:
        if labels is None:
            raise ValueError("class_weight needs classes, and this is no classifier")
        weights = weights * _weights_of_classes(class_weight, labels)
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number: all weights are zero")
    return weights


def _weights_of_classes(class_weight: Any, labels: Array) -> Array:
    classes, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight must be a dictionary or 'balanced', got {class_weight!r}")
        found: Array = (len(labels) / (len(classes) * counts))[places.reshape(-1)]
        return found
    if not isinstance(class_weight, Mapping):
        raise ValueError(f"class_weight must be a dictionary or 'balanced', got {class_weight!r}")
    weights = weights_by_class(labels, class_weight)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise ValueError(
            f"class_weight must hold finite weights of 0 or more, the class {labels[wrong[0]]!r} has another"
        )
    return weights
