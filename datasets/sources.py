"""Where elements come from: tensors and arrays, Python generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import of_array
from ..engine.errors import InvalidArgumentError
from ..engine.graph import Tensor
from ..engine.nest import flatten
from ..engine.ops.constant import constant_array
from ..engine.shapes import sizes_text
from ..engine.tensor_types import SparseTensor, SparseTensorValue
from .functions import as_value
from .running import Element, Run
from .structure import SparseTensorSpec, TensorSpec, component_names, leaves_of, sizes_fit


class Component:
    """A component of a constant element: arrays, or tensors whose values a run gives."""

    def __init__(self, spec: TensorSpec, items: Sequence[Any]) -> None:
        self.spec, self.items = spec, items

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors among the parts."""
        return [item for item in self.items if isinstance(item, Tensor)]

    def value(self, run: Run) -> Any:
        """The value within a run."""
        return self.spec.value_from([as_value(run.value(item)) for item in self.items])


def component_of(value: Any) -> Component:
    """A component from a tensor, variable, sparse tensor, array, number, text or nested list of these."""
    if isinstance(value, SparseTensor):
        return Component(SparseTensorSpec(value.shape, value.dtype), list(value))
    if isinstance(value, SparseTensorValue):
        parts = [np.asarray(value.indices, np.int64), array_of(value.values), np.asarray(value.dense_shape, np.int64)]
        return Component(SparseTensorSpec(list(parts[2]), of_array(parts[1])), parts)
    if any(isinstance(v, Tensor) or hasattr(v, "_as_graph_element") for v in _items(value)):
        tensor = convert_to_tensor(value)
        return Component(TensorSpec(tensor.shape, tensor.dtype), [tensor])
    array = array_of(value)
    return Component(TensorSpec(array.shape, of_array(array)), [array])


def _items(value: Any) -> list[Any]:
    return flatten(value) if isinstance(value, list) else [value]


def array_of(value: Any) -> np.ndarray[Any, Any]:
    """A value as an array of a dtype that tensors have; text as bytes."""
    if not isinstance(value, np.ndarray) and hasattr(value, "__array__"):
        # Frames and series of pandas.
        value = np.asarray(value)
    return np.asarray(constant_array(value, None))


def components_of(value: Any) -> tuple[Any, list[Component]]:
    """The structure of an element, with numbers as leaves, and its components."""
    structure, leaves = leaves_of(value)
    return structure, [_named(leaf, name) for leaf, name in zip(leaves, component_names(structure), strict=True)]


def _named(leaf: Any, name: str) -> Component:
    try:
        return component_of(leaf)
    except (TypeError, ValueError) as error:
        row = odd_row(leaf)
        if row is None:
            raise
        raise type(error)(f"{name}: row {row} does not go with those before it: {error}") from None


def odd_row(value: Any) -> int | None:
    """The first row of a list or array of objects that has another shape or kind than the first."""
    if not isinstance(value, list | np.ndarray) or len(value) < 2:
        return None
    kinds = [_kind(row) for row in value]
    return next((i for i, kind in enumerate(kinds) if kind != kinds[0]), None)


def _kind(row: Any) -> Any:
    if isinstance(row, list | tuple):
        return [_kind(part) for part in row]
    return np.shape(row), "text" if isinstance(row, str | bytes) else "number" if np.isscalar(row) else type(row)


def common_length(shapes: Sequence[Any], names: Sequence[str]) -> int | None:
    """The first size that all shapes share, None if no shape says it; ValueError if they differ."""
    lengths = set()
    for shape, name in zip(shapes, names, strict=True):
        if shape.rank == 0:
            raise ValueError(f"from_tensor_slices needs components of at least one dimension, got a scalar: {name}")
        if shape.rank is not None and shape.sizes[0] is not None:
            lengths.add(shape.sizes[0])
    if len(lengths) > 1:
        listed = ", ".join(f"{shape} in {name}" for shape, name in zip(shapes, names, strict=True))
        raise ValueError(f"Dimensions {' and '.join(map(str, sorted(lengths)))} are not compatible: all components of "
                         f"from_tensor_slices need the same first size, got {listed}")  # fmt: skip
    return next(iter(lengths), None)


class Yielded:
    """The elements that a Python generator function yields, checked against specs."""

    def __init__(self, generator: Callable[..., Any], structure: Any, specs: Sequence[TensorSpec]) -> None:
        self.generator, self.structure, self.specs = generator, structure, specs
        self.names = component_names(structure)

    def elements(self, arguments: Sequence[Any]) -> Iterator[Element]:
        """The elements of one call of the generator."""
        for number, item in enumerate(iter(self.generator(*arguments))):
            columns = zip(self._leaves(item, number), self.specs, self.names, strict=True)
            yield [self._array(leaf, spec, f"{name} of element {number}") for leaf, spec, name in columns]

    def _leaves(self, item: Any, number: int) -> list[Any]:
        try:
            return list(_parts(self.structure, item))
        except (TypeError, ValueError):
            raise InvalidArgumentError(
                None, None, "TypeError: `generator` yielded an element that did not match the expected structure. The "
                f"expected structure was {self.structure}, but the yielded element was {item} (element {number}).",
            ) from None  # fmt: skip

    def _array(self, value: Any, spec: TensorSpec, where: str) -> Any:
        try:
            array = np.asarray(constant_array(value, spec.dtype))
        except (TypeError, ValueError):
            array = None
        if array is None:
            raise InvalidArgumentError(
                None, None, "TypeError: `generator` yielded an element that could not be converted to the expected type. "
                f"The expected type was {spec.dtype.name}, but the yielded element was {value} ({where}).",
            )  # fmt: skip
        if not sizes_fit(spec.shape.sizes, array.shape):
            raise InvalidArgumentError(
                None, None, f"ValueError: `generator` yielded an element of shape {array.shape} where an element of shape "
                f"{sizes_text(spec.shape.sizes)} was expected ({where}).",
            )  # fmt: skip
        return array


def _parts(structure: Any, item: Any) -> Iterator[Any]:
    if isinstance(structure, Mapping):
        if set(item) != set(structure):
            raise ValueError("other keys")
        for key in sorted(structure):
            yield from _parts(structure[key], item[key])
    elif isinstance(structure, tuple):
        if not isinstance(item, tuple | list):
            raise TypeError("no tuple")
        for part, value in zip(structure, item, strict=True):
            yield from _parts(part, value)
    else:
        yield item
