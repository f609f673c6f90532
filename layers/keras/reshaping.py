"""Layers that change the shape alone: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import Any

from ...engine.ops.array import reshape, shape as shape_of, stack
from ...engine.ops.array_order import transpose
from ...engine.ops.array_pad import tile
from ...engine.ops.array_shape import expand_dims
from .base import Layer
from .checks import positive
from .data_format import data_format_of
from .input_spec import InputSpec
from .serialization import registered


def batch_of(tensor: Any) -> Any:
    """The first size: a number where it is known, else a tensor."""
    return tensor.sizes[0] if tensor.sizes and tensor.sizes[0] is not None else shape_of(tensor)[0]


@registered("layers")
class Flatten(Layer):
    """All axes but the first as one; with channels first, in the order that channels last would give."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        sizes = inputs.sizes
        rank = len(sizes)
        if self.data_format == "channels_first" and rank > 1:
            inputs = transpose(inputs, [0, *range(2, rank), 1])
            sizes = inputs.sizes
        if rank == 1:
            return expand_dims(inputs, -1)
        known = all(size is not None for size in sizes[1:])
        if not known:
            return reshape(inputs, stack([batch_of(inputs), -1]))
        return reshape(inputs, [-1 if sizes[0] is None else sizes[0], math.prod(sizes[1:])])

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = list(input_shape[1:])
        return (input_shape[0], None if None in rest else math.prod(rest))


@registered("layers")
class Reshape(Layer):
    """Another shape of the same elements, but for the first axis; one size may be -1.

    Raises:
        ValueError: the number of elements is another.
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape) if isinstance(target_shape, list | tuple) else (target_shape,)
        if sum(size == -1 for size in self.target_shape) > 1:
            raise ValueError(f"The `target_shape` of a Reshape layer may have one -1, got {self.target_shape}")

    def call(self, inputs: Any) -> Any:
        shape = self.compute_output_shape(inputs.sizes)
        if shape[0] is None and None not in shape[1:]:
            return reshape(inputs, [-1, *shape[1:]])
        known = [-1 if size is None else size for size in shape[1:]]
        return reshape(inputs, stack([batch_of(inputs), *known]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        given, wanted = list(input_shape[1:]), list(self.target_shape)
        if None in given:
            return (input_shape[0], *(None if size == -1 else size for size in wanted))
        total, fixed = math.prod(given), math.prod(size for size in wanted if size != -1)
        if (fixed != total) if -1 not in wanted else (not fixed or total % fixed):
            raise ValueError(
                f"The total size of the tensor must be unchanged. Layer {self.name!r} received: input_shape="
                f"{tuple(given)}, target_shape={self.target_shape}"
            )
        return (input_shape[0], *(total // fixed if size == -1 else size for size in wanted))


@registered("layers")
class Permute(Layer):
    """The axes after the first in another order; `dims` counts them from 1.

    Raises:
        ValueError: `dims` is not an order of 1, 2, ...
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Invalid permutation argument `dims` for Permute layer: expected the numbers from 1 on, got {dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return transpose(inputs, [0, *self.dims])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[i] for i in self.dims))


@registered("layers")
class RepeatVector(Layer):
    """[batch, size] as [batch, n, size].

    Raises:
        ValueError: `n` is not a positive integer.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive("RepeatVector", "n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return tile(expand_dims(inputs, 1), [1, self.n, 1])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])
