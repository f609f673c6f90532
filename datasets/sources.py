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
from .structure import SparseTensorSpec, TensorSpec, leaves_of, sizes_fit


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
    return structure, [component_of(leaf) for leaf in leaves]


def common_length(shapes: Sequence[Any]) -> int | None:
    """The first size that all shapes share, None if no shape says it; ValueError if they differ."""
    lengths = set()
    for shape in shapes:
        if shape.rank == 0:
            raise ValueError("from_tensor_slices needs components of at least one dimension, got a scalar")
        if shape.rank is not None and shape.sizes[0] is not None:
            lengths.add(shape.sizes[0])
    if len(lengths) > 1:
        raise ValueError(f"Dimensions {' and '.join(map(str, sorted(lengths)))} are not compatible: all components of "
                         f"from_tensor_slices need the same first size, got shapes {list(map(str, shapes))}")  # fmt: skip
    return next(iter(lengths), None)


class Yielded:
    """The elements that a Python generator function yields, checked against specs."""

    def __init__(self, generator: Callable[..., Any], structure: Any, specs: Sequence[TensorSpec]) -> None:
        self.generator, self.structure, self.specs = generator, structure, specs

    def elements(self, arguments: Sequence[Any]) -> Iterator[Element]:
        """The elements of one call of the generator."""
        for item in iter(self.generator(*arguments)):
            leaves = self._leaves(item)
            yield [self._array(leaf, spec) for leaf, spec in zip(leaves, self.specs, strict=True)]

    def _leaves(self, item: Any) -> list[Any]:
        try:
            return list(_parts(self.structure, item))
        except (TypeError, ValueError):
            raise InvalidArgumentError(
                None, None, "TypeError: `generator` yielded an element that did not match the expected structure. The "
                f"expected structure was {self.structure}, but the yielded element was {item}.",
            ) from None  # fmt: skip

    def _array(self, value: Any, spec: TensorSpec) -> Any:
        try:
            array = np.asarray(constant_array(value, spec.dtype))
        except (TypeError, ValueError):
            array = None
        if array is None:
            raise InvalidArgumentError(
                None, None, "TypeError: `generator` yielded an element that could not be converted to the expected type. "
                f"The expected type was {spec.dtype.name}, but the yielded element was {value}.",
            )  # fmt: skip
        if not sizes_fit(spec.shape.sizes, array.shape):
            raise InvalidArgumentError(
                None, None, f"ValueError: `generator` yielded an element of shape {array.shape} where an element of shape "
                f"{sizes_text(spec.shape.sizes)} was expected.",
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
