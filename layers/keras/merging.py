"""Layers that make one tensor of several: Add, Multiply, Concatenate, Dot and their like, and functions over them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from ...engine.dtypes import bool as bool_dtype
from ...engine.ops.array_parts import concat, ones_like
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.binary import maximum as op_maximum, minimum as op_minimum
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.clipping import l2_normalize
from ...engine.ops.comparison import logical_and, logical_or
from ...engine.ops.products import einsum
from ...engine.ops.reduce import reduce_all
from .base import Layer
from .graph_record import mask_of, set_mask
from .serialization import registered


class Merge(Layer):
    """What the layers over several inputs share: inputs broadcast, axes after the batch's are added where ranks differ."""

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.check_shapes(input_shape)

    def check_shapes(self, shapes: Any) -> None:
        """Raises ValueError unless these are shapes of several inputs that can be merged."""
        shapes = _several(self, shapes)
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(f"Layer {self.name!r} cannot merge tensors with different batch sizes: {shapes}")
        self.compute_output_shape(shapes)

    def call(self, inputs: Any) -> Any:
        _several(self, inputs)
        rank = max(len(x.sizes) for x in inputs)
        values = []
        for x in inputs:
            value = x
            for _ in range(rank - len(x.sizes)):
                value = expand_dims(value, 1)
            values.append(value)
        return self.merged(values)

    def merged(self, inputs: list[Any]) -> Any:
        """One tensor of several of one rank."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = _several(self, input_shape)
        if any(shape is None for shape in shapes):
            return None
        batches = {shape[0] for shape in shapes} - {None}
        rest = reduce(lambda a, b: _broadcast(self.name, a, b), [tuple(shape[1:]) for shape in shapes])
        return (batches.pop() if len(batches) == 1 else None, *rest)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """True where no mask hides."""
        if previous_mask is None or any(mask is None for mask in previous_mask):
            return None
        return reduce(logical_and, previous_mask)


def _several(layer: Layer, inputs: Any) -> list[Any]:
    if not isinstance(inputs, list | tuple) or not inputs or isinstance(inputs[0], int | None):
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) should be called on a list of inputs, received: {inputs}"
        )
    return list(inputs)


def _broadcast(name: str, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(first) < len(second):
        first, second = second, first
    result = list(first[: len(first) - len(second)])
    for a, b in zip(first[len(first) - len(second) :], second, strict=True):
        if None not in (a, b) and a != b and 1 not in (a, b):
            raise ValueError(f"Layer {name!r}: inputs have incompatible shapes, received {first} and {second}")
        result.append(None if None in (a, b) else b if a == 1 else a)
    return tuple(result)


@registered("layers")
class Add(Merge):
    """The sum of the inputs."""

    def merged(self, inputs: list[Any]) -> Any:
        """The sum."""
        return reduce(lambda a, b: a + b, inputs)


@registered("layers")
class Subtract(Merge):
    """The first input minus the second.

    Raises:
        ValueError: there are not two.
    """

    def check_shapes(self, shapes: Any) -> None:
        """Raises ValueError unless there are two."""
        super().check_shapes(shapes)
        if len(shapes) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs, received {len(shapes)}")

    def merged(self, inputs: list[Any]) -> Any:
        """The difference."""
        return inputs[0] - inputs[1]


@registered("layers")
class Multiply(Merge):
    """The product of the inputs; what a mask hides counts as one."""

    def merged(self, inputs: list[Any]) -> Any:
        """The product."""
        values = [x if mask_of(x) is None else where(spread_mask(mask_of(x), x), x, ones_like(x)) for x in inputs]
        result = reduce(lambda a, b: a * b, values)
        masks = [mask_of(x) for x in inputs]
        if all(mask is not None for mask in masks):
            set_mask(result, reduce(logical_or, masks))
        return result


@registered("layers")
class Average(Add):
    """The mean of the inputs."""

    def merged(self, inputs: list[Any]) -> Any:
        """The mean."""
        return super().merged(inputs) / float(len(inputs))


class _Choice(Merge):
    _choose: Callable[..., Any]

    def merged(self, inputs: list[Any]) -> Any:
        """One of the inputs at each place, of those that no mask hides."""
        result, hidden = inputs[0], mask_of(inputs[0])
        for x in inputs[1:]:
            mask = mask_of(x)
            value = x if mask is None else where(spread_mask(mask, x), x, result)
            before = result if hidden is None else where(spread_mask(hidden, result), result, value)
            result = type(self)._choose(before, value)
            hidden = None if hidden is None or mask is None else logical_or(hidden, mask)
        set_mask(result, hidden)
        return result


@registered("layers")
class Maximum(_Choice):
    """The largest of the inputs, element by element."""

    _choose = staticmethod(op_maximum)


@registered("layers")
class Minimum(_Choice):
    """The least of the inputs, element by element."""

    _choose = staticmethod(op_minimum)


def spread_mask(mask: Any, x: Any) -> Any:
    """A mask [batch, time] in the shape of a tensor [batch, time, ...]."""
    for _ in range(len(x.sizes) - len(mask.sizes)):
        mask = expand_dims(mask, -1)
    return logical_and(mask, cast(ones_like(x), bool_dtype))


@registered("layers")
class Concatenate(Merge):
    """The inputs one after the other along an axis.

    Raises:
        ValueError: another axis differs in size.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        _several(self, inputs)
        return concat(list(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = _several(self, input_shape)
        if any(shape is None for shape in shapes):
            return None
        ranks = {len(shape) for shape in shapes}
        rank = max(ranks)
        if len(ranks) > 1 or not -rank <= self.axis < rank:
            raise ValueError(
                f"Layer {self.name!r}: inputs of a Concatenate layer must have one rank, above its axis {self.axis}; "
                f"received shapes {shapes}"
            )
        axis = self.axis % rank
        sizes = []
        for place, column in enumerate(zip(*shapes, strict=True)):
            known = set(column) - {None}
            if place == axis:
                sizes.append(None if None in column else sum(column))
            elif len(known) > 1:
                raise ValueError(
                    f"Layer {self.name!r}: a Concatenate layer requires inputs with matching shapes except for the "
                    f"concatenation axis {self.axis}; received shapes {shapes}"
                )
            else:
                sizes.append(known.pop() if known else None)
        return tuple(sizes)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks one after the other."""
        if previous_mask is None or all(mask is None for mask in previous_mask):
            return None
        rank = len(inputs[0].sizes)
        axis = self.axis % rank
        masks = []
        for x, mask in zip(inputs, previous_mask, strict=True):
            masks.append(cast(ones_like(x), bool_dtype) if mask is None else spread_mask(mask, x))
        return reduce_all(concat(masks, axis), axis=-1)


@registered("layers")
class Dot(Merge):
    """Products of two inputs, summed along an axis of each.

    Args:
        axes: the axis of both, or one of each; counted with the batch's, which it cannot be.
        normalize: whether the inputs are brought to norm 1 along the axes first.

    Raises:
        ValueError: the axes do not fit the inputs.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        given = [axes, axes] if isinstance(axes, int) else list(axes) if isinstance(axes, list | tuple) else []
        if len(given) != 2 or not all(isinstance(axis, int) for axis in given):
            raise ValueError(f"The `axes` of a Dot layer must be an integer or two of them, got {axes!r}")
        self.axes, self.normalize = axes, normalize
        self.supports_masking = True

    def _axes(self, shapes: Any) -> tuple[int, int]:
        if len(_several(self, shapes)) != 2:
            raise ValueError(f"A `Dot` layer should be called on exactly 2 inputs, received {len(shapes)}")
        given = [self.axes, self.axes] if isinstance(self.axes, int) else self.axes
        for axis, shape in zip(given, shapes, strict=True):
            if not -len(shape) <= axis < len(shape):
                raise ValueError(f"Layer {self.name!r}: there is no axis {axis} in an input of shape {shape}")
        first, second = (axis % len(shape) for axis, shape in zip(given, shapes, strict=True))
        sizes = {shapes[0][first], shapes[1][second]} - {None}
        if 0 in (first, second) or len(sizes) > 1:
            raise ValueError(
                f"Layer {self.name!r}: incompatible input shapes for axes {tuple(given)}: {shapes[0]} and {shapes[1]}"
            )
        return first, second

    def call(self, inputs: Any) -> Any:
        first, second = self._axes([x.sizes for x in inputs])
        values = inputs
        if self.normalize:
            values = [l2_normalize(x, axis) for x, axis in zip(inputs, (first, second), strict=True)]
        ranks = [len(x.sizes) for x in inputs]
        one = ["b", *(chr(ord("c") + i) for i in range(ranks[0] - 1))]
        two = ["b", *(chr(ord("C") + i) for i in range(ranks[1] - 1))]
        one[first] = two[second] = "z"
        rest = [label for label in one if label != "z"] + [label for label in two[1:] if label != "z"]
        result = einsum(f"{''.join(one)},{''.join(two)}->{''.join(rest)}", *values)
        return expand_dims(result, 1) if len(rest) == 1 else result

    def compute_output_shape(self, input_shape: Any) -> Any:
        first, second = self._axes(input_shape)
        one, two = list(input_shape[0]), list(input_shape[1])
        del one[first], two[second]
        shape = (*one, *two[1:])
        return (*shape, 1) if len(shape) == 1 else shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """None."""
        return None


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of tensors; see Add."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first tensor minus the second; see Subtract."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of tensors; see Multiply."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of tensors; see Average."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of tensors, element by element; see Maximum."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The least of tensors, element by element; see Minimum."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Tensors one after the other along an axis; see Concatenate."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Products of two tensors, summed along an axis of each; see Dot."""
    return Dot(axes=axes, **kwargs)(inputs)
