"""Where batches come from: arrays, tf.data Datasets, generators, and sequences with a length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...engine.errors import OutOfRangeError
from ...engine.graph import get_default_graph
from ..fitting.rows import Array, Rows, first_bad_row, first_outside, split_at, weights_by_class
from ..fitting.sources import Batch, RowSource, Source
from .backend import floatx, get_session
from .steps import Spec


def as_array(value: Any, name: str, dtype: Any = None) -> Array:
    """An array of anything that holds numbers; float64 becomes `floatx`.

    Args:
        value: an array, a list, a pandas frame or series, a tensor's value.
        name: what it is, for errors.
        dtype: convert to this one.

    Raises:
        ValueError: a ragged list.
        TypeError: objects, or text where numbers are needed.
    """
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    elif hasattr(value, "graph") and hasattr(value, "op"):
        raise TypeError(f"{name} is a tensor of a graph; give arrays, or a tf.data.Dataset")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is no array: its rows differ in length ({error})") from None
    if dtype is not None:
        return _converted(array, name, np.dtype(dtype))
    if array.dtype.kind == "f" and array.dtype != floatx():
        return _as_floats(array, floatx())
    if array.dtype.kind in "OM" and not all(isinstance(v, str | bytes) for v in array.ravel()[:1]):
        raise TypeError(f"{name} holds objects and not numbers: {array.dtype}, first {array.ravel()[:1]!r}")
    return array


def _converted(array: Array, name: str, dtype: np.dtype[Any]) -> Array:
    if array.dtype == dtype or dtype.hasobject:
        return array
    if array.dtype.kind in "cmM" and dtype.kind != "c":
        raise TypeError(f"{name} must hold real numbers ({dtype}), got {array.dtype}")
    if array.dtype.kind in "OUS":
        try:
            return array.astype(dtype)
        except (TypeError, ValueError):
            raise TypeError(
                f"{name} must hold numbers ({dtype}), got {array.dtype} such as {array.ravel()[:1]!r}"
            ) from None
    if array.dtype.kind in "fc" and dtype.kind in "iu":
        if not np.array_equal(array, np.trunc(array)):
            raise TypeError(f"{name} must hold whole numbers ({dtype}), got {array.dtype}")
    return _as_floats(array, dtype)


def _as_floats(array: Array, dtype: Any) -> Array:
    # What is too large becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def spec_of(array: Array) -> Spec:
    """Dtype and shape of a batch's array, without its number of rows."""
    return array.dtype.name if not array.dtype.hasobject else "string", (None, *array.shape[1:])


def check_finite(name: str, array: Array, where: str = "") -> None:
    """Raises ValueError for NaN and infinity, with the first row that has it; `where` follows the row's number."""
    row = first_bad_row(array)
    if row is not None:
        raise ValueError(f"{name} holds NaN or infinity, first in row {row}{where}: {array[row]!r:.100}")


def check_labels(name: str, array: Array, classes: int, where: str = "") -> None:
    """Raises ValueError for class numbers out of range, with the first row that has one; `where` follows its number."""
    row = first_outside(array, classes)
    if row is not None:
        raise ValueError(
            f"{name} holds the label {_first_outside(array[row], classes)} in row {row}{where}; class numbers must be "
            f"whole numbers in [0, {classes})"
        )


def _first_outside(labels: Array, classes: int) -> Any:
    """The first of some labels that is no class's number."""
    flat = np.reshape(labels, -1)
    return flat[first_outside(flat, classes)]


def class_weights(labels: Array, weights: Any) -> Array:
    """The weight of each example by the class of its label; classes that are not named weigh 1.

    Raises:
        TypeError: the weights are no dict of numbers by class number.
        ValueError: there is more than one label an example.
    """
    numbers = (int, float, np.number)
    if not isinstance(weights, Mapping) or not all(
        isinstance(c, int | np.integer) and isinstance(w, numbers) for c, w in weights.items()
    ):
        raise TypeError(f"class_weight must be a dict of numbers by class number, got {weights!r}")
    classes = labels.argmax(axis=-1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(len(labels), -1)
    if classes.ndim == 2:
        if classes.shape[1] != 1:
            raise ValueError(f"class_weight needs one label an example, got targets of shape {labels.shape}")
        classes = classes[:, 0]
    with np.errstate(invalid="ignore"):
        numbered = classes.astype(np.int64)
    return weights_by_class(numbered, weights).astype(floatx())


class ArraySource(RowSource):
    """Slices of a model's arrays."""

    def __init__(self, feed: Any, batch_size: Any, shuffle: Any = False) -> None:
        super().__init__(len(feed.x[0]), batch_size, shuffle)
        self._arrays, self.columns = feed.arrays, feed.columns

    def taken(self, chosen: Rows) -> list[Array]:
        if isinstance(chosen, slice):
            return [array[chosen] for array in self._arrays]
        return [array.take(chosen, axis=0) for array in self._arrays]


# Makes a Feed of a batch, given it and its number.
Prepare = Callable[[Any, int], Any]


class IteratorSource(Source):
    """A Python generator, or anything that can be iterated over: each thing that it yields is a batch.

    `columns` are those of the batch that was drawn last.
    """

    def __init__(self, iterable: Any, prepare: Prepare) -> None:
        self._iterable, self._prepare = iterable, prepare
        self.columns: Any = None
        # A generator goes on where it stopped; what can be iterated over anew starts over each epoch.
        self._once = iter(iterable) if hasattr(iterable, "__next__") else None

    def _items(self, skip: int) -> Iterator[Any]:
        """The batches of a pass as they are given, without the first `skip`."""
        items: Iterator[Any] = iter(self._iterable) if self._once is None else self._once
        for _ in range(skip):
            next(items, None)
        return items

    def _pass(self, skip: int) -> Iterator[Batch]:
        return self._prepared(self._items(skip), skip)

    def _prepared(self, items: Iterator[Any], skip: int) -> Iterator[Batch]:
        for number, item in enumerate(items, skip):
            feed = self._prepare(item, number)
            self.columns, arrays = feed.columns, feed.arrays
            yield arrays, len(arrays[0])


class SequenceSource(IteratorSource):
    """Something with a length and batches by number, as `keras.utils.Sequence`."""

    def __init__(self, sequence: Any, prepare: Prepare, shuffle: Any = False) -> None:
        super().__init__(sequence, prepare)
        self.steps, self.shuffle = len(sequence), shuffle

    def _items(self, skip: int) -> Iterator[Any]:
        count = len(self._iterable)
        order = np.random.permutation(count) if self.shuffle else np.arange(count)
        return (self._iterable[int(number)] for number in order[skip:])

    def on_epoch_end(self) -> None:
        if hasattr(self._iterable, "on_epoch_end"):
            self._iterable.on_epoch_end()


class DatasetSource(IteratorSource):
    """A tf.data.Dataset of batches, read anew in each pass.

    Args:
        dataset: the dataset.
        prepare: makes arrays of what it gives.
        kept: iterators by dataset, where one is found or noted: each has operations in the graph, and maybe threads.
    """

    def __init__(self, dataset: Any, prepare: Prepare, kept: dict[Any, Any]) -> None:
        super().__init__(dataset, prepare)
        key = get_default_graph().outermost(), dataset
        if key not in kept:
            iterator = dataset.make_initializable_iterator()
            kept[key] = iterator, iterator.get_next()
        self._iterator, self._next = kept[key]

    def _items(self, skip: int) -> Iterator[Any]:
        get_session().run(self._iterator.initializer)
        return self._taken()

    def _taken(self) -> Iterator[Any]:
        take = get_session().make_callable(self._next)
        while True:
            try:
                item = take()
            except OutOfRangeError:
                return
            yield item

    def _more(self) -> Any:
        return self._iterator.get_state(get_session())

    def _rest(self, given: int, more: Any) -> Iterator[Batch]:
        items = self._items(0)
        self._iterator.set_state(get_session(), more)
        return self._prepared(items, given)


def is_dataset(x: Any) -> bool:
    """Whether `x` is a tf.data.Dataset."""
    return hasattr(x, "make_initializable_iterator")


def is_sequence_of_batches(x: Any) -> bool:
    """Whether `x` has a length and gives batches by number, and is no array, list or frame."""
    if isinstance(x, np.ndarray | list | tuple | Mapping | str) or hasattr(x, "to_numpy") or hasattr(x, "dtype"):
        return False
    return hasattr(x, "__getitem__") and hasattr(x, "__len__")


def is_generator(x: Any) -> bool:
    """Whether `x` yields batches."""
    plain = isinstance(x, np.ndarray | list | tuple | Mapping | str) or hasattr(x, "to_numpy") or hasattr(x, "dtype")
    return not plain and hasattr(x, "__iter__")


def source_of(x: Any, prepare: Prepare, shuffle: Any, kept: dict[Any, Any]) -> Source | None:
    """The batches of a Dataset, a Sequence or a generator; None for arrays."""
    if is_dataset(x):
        return DatasetSource(x, prepare, kept)
    if is_sequence_of_batches(x):
        return SequenceSource(x, prepare, shuffle)
    return IteratorSource(x, prepare) if is_generator(x) else None


def unpack(item: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and sample weights of what a generator or Dataset gives.

    Raises:
        ValueError: a tuple of more than three.
    """
    if not isinstance(item, tuple):
        return item, None, None
    if not 1 <= len(item) <= 3:
        raise ValueError(f"A batch must be x, (x, y) or (x, y, sample_weight), got a tuple of {len(item)}")
    x, y, weights = (*item, None, None)[:3]
    return x, y, weights


def split(arrays: Sequence[Array], share: float) -> tuple[list[Array], list[Array]]:
    """The first and the last rows of arrays; `share` of them are the last.

    Raises:
        ValueError: share is not between 0 and 1, or one part is empty.
    """
    at = split_at(len(arrays[0]), share)
    return [a[:at] for a in arrays], [a[at:] for a in arrays]
