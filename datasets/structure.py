"""What the elements of a dataset are made of: nested tuples and dicts of tensors, sparse tensors and datasets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..engine.dtypes import DType, as_dtype, float32, int64, variant
from ..engine.errors import InvalidArgumentError
from ..engine.graph import Sizes, Tensor
from ..engine.nest import flatten, map_structure, pack_sequence_as
from ..engine.shapes import TensorShape, as_shape
from ..engine.tensor_types import SparseTensor, SparseTensorValue

Part = tuple[DType, Sizes]


class TensorSpec:
    """A tensor of a dtype and a partly known shape, as tf.TensorSpec of TF 1.15."""

    value_type: ClassVar[Any] = Tensor

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None) -> None:
        self.shape = as_shape(shape)
        self.dtype = as_dtype(dtype).base_dtype
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype.name})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._key() == other._key()  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        return self.dtype, self.shape.sizes

    @property
    def parts(self) -> list[Part]:
        """The dtypes and shapes of the tensors that stand for a component."""
        return [(self.dtype, self.shape.sizes)]

    def pack(self, tensors: Sequence[Any]) -> Any:
        """The component that is made of these tensors."""
        return tensors[0]

    def tensors_of(self, component: Any) -> list[Any]:
        """The tensors of a component."""
        return [component]

    def values_of(self, value: Any) -> list[Any]:
        """The arrays of a component's value, one a part."""
        return [value]

    def value_from(self, values: Sequence[Any]) -> Any:
        """The value of a component, from arrays, one a part."""
        value = values[0]
        return value if isinstance(value, np.ndarray) else np.array(value, self.dtype.numpy)

    def batched(self, size: int | None) -> TensorSpec:
        """The spec of `size` components put together."""
        return TensorSpec(TensorShape([size]).concatenate(self.shape), self.dtype)

    def unbatched(self) -> TensorSpec:
        """The spec of one row."""
        sizes = self.shape.sizes
        if sizes is not None and not sizes:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1, got a scalar component")
        return TensorSpec(None if sizes is None else list(sizes[1:]), self.dtype)

    def relaxed(self, other: Any) -> Any:
        """The most that holds for this spec and for `other`; TypeError if the two do not go together."""
        if type(other) is not type(self) or other.dtype != self.dtype:
            raise TypeError(f"Two datasets to concatenate have different types {self} and {other}")
        return type(self)(self.shape.most_specific_compatible_shape(other.shape), self.dtype)

    def accepts(self, other: Any) -> bool:
        """Whether an element of the spec `other` may come where this one is expected."""
        return type(other) is type(self) and other.dtype == self.dtype and self.shape.is_compatible_with(other.shape)

    def stack(self, values: Sequence[Any], component: str) -> Any:
        """Values put together along a new first axis; InvalidArgumentError, naming `component`, if their shapes differ."""
        first = values[0].shape
        for i, value in enumerate(values):
            if value.shape != first:
                raise InvalidArgumentError(
                    None, None, f"Cannot batch tensors with different shapes in {component}. First element had "
                    f"shape {_shape_text(first)} and element {i} had shape {_shape_text(value.shape)}.",
                )  # fmt: skip
        result = np.empty((len(values), *first), self.dtype.numpy)
        for i, value in enumerate(values):
            result[i] = value[()]
        return result

    def rows(self, value: Any) -> list[Any]:
        """The rows of a value."""
        return [value[i : i + 1].reshape(value.shape[1:]) for i in range(len(value))]


class SparseTensorSpec(TensorSpec):
    """A sparse tensor of a dtype and a dense shape, as tf.SparseTensorSpec of TF 1.15."""

    value_type: ClassVar[Any] = SparseTensor

    def __init__(self, shape: Any = None, dtype: Any = float32) -> None:
        super().__init__(shape, dtype)

    @property
    def parts(self) -> list[Part]:
        rank = self.shape.rank
        return [(int64, (None, rank)), (self.dtype, (None,)), (int64, (rank,))]

    def pack(self, tensors: Sequence[Any]) -> Any:
        return SparseTensor(*tensors)

    def tensors_of(self, component: Any) -> list[Any]:
        sparse = SparseTensor.from_value(component)
        return [sparse.indices, sparse.values, sparse.dense_shape]

    def values_of(self, value: Any) -> list[Any]:
        return list(value)

    def value_from(self, values: Sequence[Any]) -> Any:
        return SparseTensorValue(*values)

    def batched(self, size: int | None) -> TensorSpec:
        return SparseTensorSpec(TensorShape([size]).concatenate(self.shape), self.dtype)

    def unbatched(self) -> TensorSpec:
        return SparseTensorSpec(super().unbatched().shape, self.dtype)

    def stack(self, values: Sequence[Any], component: str) -> Any:
        ranks = {len(v.dense_shape) for v in values}
        if len(ranks) != 1:
            raise InvalidArgumentError(
                None, None, f"Cannot batch sparse tensors of different ranks {sorted(ranks)} in {component}"
            )
        shapes = np.max([v.dense_shape for v in values], axis=0)
        indices = [np.insert(v.indices, 0, i, axis=1) for i, v in enumerate(values)]
        dense = np.concatenate([[len(values)], shapes]).astype(np.int64)
        return SparseTensorValue(np.concatenate(indices), np.concatenate([v.values for v in values]), dense)

    def rows(self, value: Any) -> list[Any]:
        found = []
        for i in range(int(value.dense_shape[0])):
            here = value.indices[:, 0] == i
            found.append(SparseTensorValue(value.indices[here, 1:], value.values[here], value.dense_shape[1:]))
        return found


class DatasetSpec(TensorSpec):
    """A dataset as a component of an element: what `window` gives. `element_spec` is that of its elements."""

    # The function of dataset.py that makes a dataset of a variant tensor and a spec.
    opened: ClassVar[Any]

    def __init__(self, element_spec: Any, shape: Any = ()) -> None:
        super().__init__(shape, variant)
        self.element_spec = element_spec

    def _key(self) -> Any:
        return tuple(flatten(self.element_spec))

    def pack(self, tensors: Sequence[Any]) -> Any:
        return self.opened(tensors[0], self.element_spec)

    def tensors_of(self, component: Any) -> list[Any]:
        return [component._variant_tensor]

    def value_from(self, values: Sequence[Any]) -> Any:
        return values[0]

    def batched(self, size: int | None) -> TensorSpec:
        raise TypeError(
            "Batching of datasets is not supported: give each one a batch, as in flat_map(lambda w: w.batch(n))"
        )

    def relaxed(self, other: Any) -> Any:
        if self != other:
            raise TypeError(f"Datasets of different elements: {self.element_spec} and {other}")
        return self

    def accepts(self, other: Any) -> bool:
        return isinstance(other, DatasetSpec) and compatible(self.element_spec, other.element_spec)


def _shape_text(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def with_leaves(value: Any) -> Any:
    """A structure with everything but tuples and dicts boxed as a `Leaf`: lists count as tensors."""
    if isinstance(value, SparseTensorValue):
        return Leaf(value)
    if isinstance(value, Mapping):
        return pack_mapping(value, {key: with_leaves(item) for key, item in value.items()})
    if isinstance(value, tuple):
        items = [with_leaves(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return Leaf(value)


def pack_mapping(like: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """`items` as a mapping of the kind of `like` where that is a dict, else as a dict."""
    return OrderedDict(items) if isinstance(like, OrderedDict) else items


class Leaf:
    """A component of an element, whatever its type."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def leaves_of(value: Any) -> tuple[Any, list[Any]]:
    """The structure of an element (with numbers as leaves) and its components."""
    boxed = with_leaves(value)
    leaves = [leaf.value for leaf in flatten(boxed)]
    return pack_sequence_as(boxed, list(range(len(leaves)))), leaves


def component_names(structure: Any) -> list[str]:
    """What errors call the components of an element: "component 'a'" in a dict, else by their number."""
    found: list[str] = []

    def walk(part: Any, name: str) -> None:
        if isinstance(part, Mapping):
            for key in sorted(part):
                walk(part[key], repr(key))
        elif isinstance(part, tuple):
            for item in part:
                walk(item, name)
        else:
            found.append(f"component {len(found)}" + (f" ({name})" if name else ""))

    walk(structure, "")
    return found


def specs_of(output_types: Any, output_shapes: Any = None, output_classes: Any = None) -> Any:
    """A structure of specs from those of dtypes, shapes and classes, as Iterator.from_structure takes them.

    Raises:
        TypeError, ValueError: the structures differ.
    """
    structure, types = leaves_of(output_types)
    types = [as_dtype(t) for t in types]
    shapes = [TensorShape(None)] * len(types) if output_shapes is None else shapes_like(structure, output_shapes)
    kinds: list[Any] = [Tensor] * len(types) if output_classes is None else flatten(output_classes)
    made: list[TensorSpec] = []
    for dtype, shape, kind in zip(types, shapes, kinds, strict=True):
        made.append(SparseTensorSpec(shape, dtype) if kind is SparseTensor else TensorSpec(shape, dtype))
    return pack_sequence_as(structure, made)


def shapes_like(structure: Any, shapes: Any) -> list[TensorShape]:
    """The shapes (TensorShape, list or tuple of sizes, None) that stand where `structure` has leaves."""
    if not isinstance(structure, Mapping | tuple):
        return [TensorShape(None) if shapes is None else as_shape(_sizes(shapes))]
    if isinstance(structure, Mapping):
        if not isinstance(shapes, Mapping) or set(shapes) != set(structure):
            raise TypeError(f"The shapes {shapes!r} do not have the structure of {structure!r}")
        pairs = [(structure[key], shapes[key]) for key in sorted(structure)]
    else:
        if not isinstance(shapes, tuple | list) or len(shapes) != len(structure):
            raise TypeError(f"The shapes {shapes!r} do not have the structure of {structure!r}")
        pairs = list(zip(structure, shapes, strict=True))
    return [shape for part, given in pairs for shape in shapes_like(part, given)]


def _sizes(shapes: Any) -> Any:
    return [None if size == -1 else size for size in shapes] if isinstance(shapes, list | tuple) else shapes


def compatible(expected: Any, given: Any) -> bool:
    """Whether elements of `given` may come where `expected` says what comes."""
    try:
        return all(flatten(map_structure(lambda a, b: a.accepts(b), expected, given)))
    except (TypeError, ValueError):
        return False


def sizes_fit(sizes: Sizes, shape: tuple[int, ...]) -> bool:
    """Whether an array of `shape` has the partly known shape `sizes`."""
    return sizes is None or (
        len(sizes) == len(shape) and all(s in (None, n) for s, n in zip(sizes, shape, strict=True))
    )


def flat_parts(spec: Any) -> list[Part]:
    """The dtypes and shapes of all tensors of an element."""
    return [part for leaf in flatten(spec) for part in leaf.parts]


def pack_element(spec: Any, tensors: Sequence[Any]) -> Any:
    """The element that is made of tensors, one a part."""
    return pack_sequence_as(spec, pack_leaves(spec, tensors, "pack"))


def pack_leaves(spec: Any, items: Sequence[Any], method: str = "value_from") -> list[Any]:
    """What a method of each leaf's spec makes of its share of the items, one a part."""
    found, start = [], 0
    for leaf in flatten(spec):
        count = len(leaf.parts)
        found.append(getattr(leaf, method)(items[start : start + count]))
        start += count
    return found
