"""ZeroPadding and Cropping of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from ...engine.ops.array_pad import pad
from .base import Layer
from .data_format import data_format_of, spatial_axes
from .input_spec import InputSpec
from .serialization import registered

Pairs = tuple[tuple[int, int], ...]


def as_pairs(layer: str, name: str, value: Any, rank: int) -> Pairs:
    """How much before and after, for each spatial axis, from a number, one number an axis, or a pair an axis.

    Raises:
        ValueError: it is none of these, or a number is negative.
    """
    if isinstance(value, int):
        value = (value,) * rank
    if rank == 1 and isinstance(value, list | tuple) and len(value) == 2:
        value = (value,)
    pairs = [(one, one) if isinstance(one, int) else tuple(one) for one in value] if _listed(value) else []
    numbers = [number for pair in pairs for number in pair]
    if len(pairs) != rank or any(len(p) != 2 for p in pairs) or any(not isinstance(n, int) or n < 0 for n in numbers):
        raise ValueError(
            f"The `{name}` argument of {layer} must be a number from 0 on, {rank} of them, or {rank} pairs; got {value!r}"
        )
    return tuple((pair[0], pair[1]) for pair in pairs)


def _listed(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, int | list | tuple) for one in value)


class ZeroPadding(Layer):
    """Zeros around the spatial axes.

    Args:
        padding: a number, one for each spatial axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first"; that of the settings by default.

    Raises:
        ValueError: the padding is none of these.
    """

    rank: int

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pairs = as_pairs(type(self).__name__, "padding", padding, self.rank)
        self.padding = self._pairs[0] if self.rank == 1 else self._pairs
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        pads = [[0, 0] for _ in range(self.rank + 2)]
        for axis, pair in zip(spatial_axes(self.data_format, self.rank), self._pairs, strict=True):
            pads[axis] = list(pair)
        return pad(inputs, pads)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        for axis, pair in zip(spatial_axes(self.data_format, self.rank), self._pairs, strict=True):
            sizes[axis] = None if sizes[axis] is None else sizes[axis] + sum(pair)
        return tuple(sizes)


@registered("layers")
class ZeroPadding1D(ZeroPadding):
    """Zeros before and after sequences; see ZeroPadding."""

    rank = 1


@registered("layers")
class ZeroPadding2D(ZeroPadding):
    """Zeros around images; see ZeroPadding."""

    rank = 2


@registered("layers")
class ZeroPadding3D(ZeroPadding):
    """Zeros around volumes; see ZeroPadding."""

    rank = 3


class Cropping(Layer):
    """Cuts the ends of the spatial axes off.

    Args:
        cropping: a number, one for each spatial axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first"; that of the settings by default.

    Raises:
        ValueError: the cropping is none of these, or leaves nothing.
    """

    rank: int

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pairs = as_pairs(type(self).__name__, "cropping", cropping, self.rank)
        self.cropping = self._pairs[0] if self.rank == 1 else self._pairs
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        self.compute_output_shape(inputs.sizes)
        parts: list[Any] = [slice(None)] * (self.rank + 2)
        for axis, (before, after) in zip(spatial_axes(self.data_format, self.rank), self._pairs, strict=True):
            parts[axis] = slice(before, -after if after else None)
        return inputs[tuple(parts)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        for axis, pair in zip(spatial_axes(self.data_format, self.rank), self._pairs, strict=True):
            if sizes[axis] is not None:
                sizes[axis] -= sum(pair)
                if sizes[axis] <= 0:
                    raise ValueError(
                        f"`cropping` of layer {self.name!r} leaves nothing of axis {axis}: input shape "
                        f"{tuple(input_shape)}, cropping {self.cropping}"
                    )
        return tuple(sizes)


@registered("layers")
class Cropping1D(Cropping):
    """Cuts the ends of sequences off; see Cropping."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)


@registered("layers")
class Cropping2D(Cropping):
    """Cuts the edges of images off; see Cropping."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


@registered("layers")
class Cropping3D(Cropping):
    """Cuts the sides of volumes off; see Cropping."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
