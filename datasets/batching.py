"""Elements put together: batches, padded batches, windows, and arrays cut into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..engine.errors import InvalidArgumentError
from ..engine.nest import flatten
from ..engine.tensor_types import SparseTensorValue
from .running import Element, Elements, Rows
from .structure import TensorSpec, component_names


class Slices(Elements):
    """The rows of arrays of one length."""

    def __init__(self, arrays: Sequence[np.ndarray[Any, Any]], length: int) -> None:
        self.arrays, self.length, self.place = arrays, length, 0

    def __next__(self) -> Element:
        i = self.place
        if i >= self.length:
            raise StopIteration
        self.place = i + 1
        return [a[i : i + 1].reshape(a.shape[1:]) for a in self.arrays]

    def skip(self, count: int) -> int:
        done = min(count, self.length - self.place)
        self.place += done
        return done

    def rows(self, count: int) -> list[Any] | None:
        """The next rows at once, None at the end; fewer than `count` before it."""
        start, stop = self.place, min(self.place + count, self.length)
        self.place = stop
        return [a[start:stop] for a in self.arrays] if stop > start else None


class Batches(Elements):
    """Elements put together in groups of `size` by `combine`."""

    def __init__(
        self, source: Elements, size: int, drop: bool, combine: Callable[[Sequence[Element]], Element], plain: bool
    ) -> None:
        if size <= 0:
            raise InvalidArgumentError(None, None, f"Batch size must be greater than zero, got {size}")
        self.source, self.size, self.drop, self.combine = source, size, drop, combine
        # Rows of arrays are cut out together.
        self.whole = source if plain and isinstance(source, Slices) else None

    def __next__(self) -> Element:
        if self.whole is not None:
            return self._rows(self.whole)
        elements = list(islice(self.source, self.size))
        if not elements or (self.drop and len(elements) < self.size):
            raise StopIteration
        return self.combine(elements)

    def _rows(self, source: Slices) -> Element:
        if self.drop and source.length - source.place < self.size:
            source.place = source.length
        found = source.rows(self.size)
        if found is None:
            raise StopIteration
        return found

    def skip(self, count: int) -> int:
        done, rest = divmod(self.source.skip(count * self.size), self.size)
        return done + (1 if rest and not self.drop else 0)


def stacker(spec: Any) -> Callable[[Sequence[Element]], Element]:
    """A function that puts elements of a structure of specs together, component by component."""
    specs, names = flatten(spec), component_names(spec)

    def combine(elements: Sequence[Element]) -> Element:
        columns = zip(*elements, strict=True)
        return [spec.stack(column, name) for spec, column, name in zip(specs, columns, names, strict=True)]

    return combine


def padder(
    specs: Sequence[TensorSpec], sizes: Sequence[Sequence[int | None]], fills: Sequence[Any]
) -> Callable[[Sequence[Element]], Element]:
    """A function that puts elements together, each component padded to a shape or to the longest of the batch."""

    def combine(elements: Sequence[Element]) -> Element:
        columns = zip(*elements, strict=True)
        parts = zip(specs, columns, sizes, fills, strict=True)
        return [_padded(spec, column, shape, fill) for spec, column, shape, fill in parts]

    return combine


def _padded(spec: TensorSpec, values: Sequence[Any], sizes: Sequence[int | None], fill: Any) -> Any:
    for value in values:
        if value.ndim != len(sizes):
            raise InvalidArgumentError(
                None, None, f"All elements in a batch must have the same rank as the padded shape for component: "
                f"expected rank {len(sizes)} but got element with rank {value.ndim}",
            )  # fmt: skip
    longest = np.max([v.shape for v in values], axis=0) if sizes else []
    shape = [int(n) if s is None else s for s, n in zip(sizes, longest, strict=True)]
    result = np.empty((len(values), *shape), spec.dtype.numpy)
    result[...] = fill
    for i, value in enumerate(values):
        if any(n > s for n, s in zip(value.shape, shape, strict=True)):
            raise InvalidArgumentError(
                None, None, f"Attempted to pad to a smaller size than the input element: {list(value.shape)} to {shape}"
            )
        place: tuple[Any, ...] = (i, *(slice(n) for n in value.shape))
        result[place] = value[()]
    return result


def unstacked(source: Elements, specs: Sequence[TensorSpec]) -> Iterator[Element]:
    """The rows of each element, one by one."""
    for element in source:
        columns = [spec.rows(value) for spec, value in zip(specs, element, strict=True)]
        if len({len(c) for c in columns}) > 1:
            raise InvalidArgumentError(
                None,
                None,
                f"Input element must have the same batch size in each component, got {list(map(len, columns))}",
            )
        yield from zip(*columns, strict=True)


def windows(source: Elements, size: int, shift: int, stride: int, drop: bool) -> Iterator[Element]:
    """Windows of `size` elements `stride` apart, each `shift` after the one before, as datasets of each component."""
    for name, number in (("size", size), ("shift", shift), ("stride", stride)):
        if number <= 0:
            raise InvalidArgumentError(None, None, f"Window {name} must be greater than zero, got {number}")
    span = (size - 1) * stride + 1
    kept: list[Element] = []
    ended = False
    while True:
        while len(kept) < span and not ended:
            element = next(source, None)
            ended = element is None
            if element is not None:
                kept.append(element)
        if not kept or (drop and len(kept) < span):
            return
        chosen = kept[:span:stride]
        yield [Rows([[value] for value in column]) for column in zip(*chosen, strict=True)]
        if shift > len(kept):
            source.skip(shift - len(kept))
        kept = kept[shift:]


def sparse_batches(source: Elements, size: int, row_shape: Sequence[int | None]) -> Iterator[Element]:
    """Batches of dense elements of any length as sparse tensors: `dense_to_sparse_batch`."""
    while rows := [element[0] for element in islice(source, size)]:
        shape = np.max([r.shape for r in rows], axis=0)
        full = [len(rows), *(int(n) if s in (None, -1) else s for s, n in zip(row_shape, shape, strict=True))]
        if any(n > s for n, s in zip(shape, full[1:], strict=True)):
            raise InvalidArgumentError(None, None, f"An element of shape {list(shape)} does not fit {list(row_shape)}")
        indices = [np.insert(np.argwhere(np.ones(r.shape, bool)), 0, i, axis=1) for i, r in enumerate(rows)]
        values = np.concatenate([r.reshape(-1) for r in rows])
        yield [SparseTensorValue(np.concatenate(indices).astype(np.int64), values, np.array(full, np.int64))]
