"""Wrapper and TimeDistributed: layers around a layer."""

from __future__ import annotations

import math
from typing import Any

from ...engine.nest import map_structure
from ...engine.ops.array import reshape, shape as shape_of
from .base import Layer, Shape, accepts, map_shapes
from .reshaping import batch_of
from .serialization import registered


@registered("layers")
class Wrapper(Layer):
    """A layer around another one, whose weights and losses are its own.

    Raises:
        ValueError: what is wrapped is not a layer.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"{type(self).__name__} takes a layer, got {layer!r} of type {type(layer).__name__}")
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        self.layer.build(input_shape)


@registered("layers")
class TimeDistributed(Wrapper):
    """A layer applied to each step of sequences [batch, time, ...] alike.

    All steps are one batch for the layer: batch normalization, say, sees them together.

    Raises:
        ValueError: the input has less than three axes.
    """

    supports_masking = True

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 3:
            raise ValueError(f"TimeDistributed {self.name!r} takes inputs of at least 3 axes, got shape {input_shape}")
        self.layer.build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        options: dict[str, Any] = {}
        if accepts(self.layer, "training"):
            options["training"] = training
        if mask is not None and accepts(self.layer, "mask") and len(mask.sizes) > 2:
            options["mask"] = joined(mask)
        batch, steps = batch_of(inputs), shape_of(inputs)[1] if inputs.sizes[1] is None else inputs.sizes[1]
        outputs = self.layer(joined(inputs), **options)

        def parted(output: Any) -> Any:
            rest = sizes_after(output, 1)
            result = reshape(output, [batch, steps, *rest])
            result.set_shape([inputs.sizes[0], inputs.sizes[1], *output.sizes[1:]])
            return result

        return map_structure(parted, outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        inner = self.layer.compute_output_shape((input_shape[0], *input_shape[2:]))
        return map_shapes(lambda shape: (shape[0], input_shape[1], *shape[1:]), inner)


def sizes_after(tensor: Any, start: int) -> list[Any]:
    """The sizes from an axis on: numbers where they are known, else tensors."""
    sizes = shape_of(tensor)
    return [sizes[i] if size is None else size for i, size in enumerate(tensor.sizes) if i >= start]


def joined(tensor: Any) -> Any:
    """[batch, time, ...] as [batch * time, ...]."""
    rest = sizes_after(tensor, 2)
    first = tensor.sizes[:2]
    result = reshape(tensor, [-1, *rest])
    result.set_shape([None if None in first else math.prod(first), *tensor.sizes[2:]])
    return result
