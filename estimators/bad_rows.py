"""What is said of the input when a training step fails: the column and the first row that holds what no model takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..datasets.arrays import ArrayBatches
from ..engine.errors import InvalidArgumentError
from ..engine.training.basic_session_run_hooks import NanLossDuringTrainingError
from .array_input import ArrayInput
from .kept import GraphInput

_LABEL_LIMIT = re.compile(r"Labels must be < n_classes = (\d+)")


@contextmanager
def noting_bad_rows(given: GraphInput | ArrayInput) -> Iterator[None]:
    """Adds notes on the input to the errors of training steps that bad numbers and labels cause; see note_bad_rows."""
    try:
        yield
    except (InvalidArgumentError, NanLossDuringTrainingError) as error:
        # Arrays in memory were looked at before the first step.
        if isinstance(given, GraphInput):
            sources = given.graph.extras.get("iterator_sources", [])
            note_bad_rows(error, sources, (given.features, given.labels), given.drawn)
        raise


def note_bad_rows(error: BaseException, sources: Sequence[Any], given: tuple[Any, Any], batch: Sequence[Any]) -> None:
    """Adds notes to an error: which column holds NaN or infinity, or which label is out of range, and the first row.

    Args:
        error: what a training step raised.
        sources: what the input's iterators come from; the arrays of an ArrayBatches are looked at as a whole.
        given: the structures of features and labels.
        batch: the arrays of the batch that failed, in the order of these; none where they are not known.
    """
    whole = [source for source in sources if isinstance(source, ArrayBatches)]
    if whole:
        columns = [pair for source in whole for pair in zip(_names_of(source), source.arrays, strict=True)]
    else:
        names = [*_names(given[0], "features", list), *_names(given[1], "labels", list)]
        columns = list(zip(names, batch, strict=True)) if batch else []
    row = "row" if whole else "row of the batch"
    found = [text for name, values in columns for text in _complaints(error, name, values, row)]
    for text in dict.fromkeys(found):
        error.add_note(text)


def _names_of(source: ArrayBatches) -> list[str]:
    """What the arrays are called; labels come second in a pair."""
    spec = source.element_spec
    features, labels = spec if type(spec) is tuple and len(spec) == 2 else (spec, None)
    return [*_names(features, "features", sorted), *_names(labels, "labels", sorted)]


def _names(structure: Any, name: str, order: Callable[[Any], list[Any]]) -> Iterator[str]:
    if isinstance(structure, Mapping):
        for key in order(structure):
            yield from _names(
                structure[key], f"label {key!r}" if name.startswith("label") else f"column {key!r}", order
            )
    elif type(structure) in (tuple, list):
        for part in structure:
            yield from _names(part, name, order)
    elif structure is not None:
        yield name


def _complaints(error: BaseException, name: str, values: Any, row: str) -> Iterator[str]:
    if not isinstance(values, np.ndarray | np.generic):
        return
    array = np.asarray(values)
    if array.dtype.kind == "f":
        yield from _first(~np.isfinite(array), array, f"The {name} holds NaN or infinity, first in {row}")
    limit = _LABEL_LIMIT.search(str(error))
    if name.startswith("label") and array.dtype.kind in "iuf" and (limit or "Labels must be >= 0" in str(error)):
        outside = (array < 0) | (array >= int(limit[1])) if limit else array < 0
        yield from _first(outside, array, f"The {name} must be in range; the first that is not is in {row}")


def _first(bad: Any, array: Any, text: str) -> Iterator[str]:
    places = np.argwhere(bad)
    if len(places):
        place = int(places[0][0]) if array.ndim else 0
        yield f"{text} {place}: {array[place].tolist() if array.ndim else array.item()}"
