"""What the attributes of convolutions and pools mean: data formats, spatial sizes, padding, and their shape rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..graph import Sizes
from ..inference import InferenceContext, show
from ..kernels.windows import Pads, padding_of

FORMATS = ("NHWC", "NCHW", "NDHWC", "NCDHW", "NWC", "NCW")
# Defaults of list attributes.
ONES_2D: list[int] = [1, 1, 1, 1]
ONES_3D: list[int] = [1, 1, 1, 1, 1]
NO_PADS: list[int] = []


def channels_first(data_format: str) -> bool:
    """Whether the channels come right after the batch."""
    return data_format.startswith("NC")


def channels_last_view(x: Any, data_format: str) -> Any:
    """A view of `x` with the channels as the last axis."""
    return np.moveaxis(x, 1, -1) if channels_first(data_format) else x


def in_format(x: Any, data_format: str) -> Any:
    """A view of a channels-last array in a data format."""
    return np.moveaxis(x, -1, 1) if channels_first(data_format) else x


def last_sizes(sizes: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    """Sizes, strides or the like with those of the channels last."""
    return (sizes[0], *sizes[2:], sizes[1]) if channels_first(data_format) else tuple(sizes)


def format_sizes(sizes: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    """Channels-last sizes in the order of a data format."""
    return (sizes[0], sizes[-1], *sizes[1:-1]) if channels_first(data_format) else tuple(sizes)


@dataclass(frozen=True, slots=True)
class Window:
    """How a window moves: strides and dilations of the spatial dimensions, and the padding."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: str
    explicit: tuple[tuple[int, int], ...]

    @staticmethod
    def of(attrs: dict[str, Any]) -> Window:
        """The window of an operation's attributes, which must be in order."""
        data_format = attrs.get("data_format", "NHWC")
        strides = attrs["strides"]
        ones = [1] * len(strides)
        dilations = attrs.get("dilations") or ones
        pairs = attrs.get("explicit_paddings") or ()
        pads = [(pairs[i], pairs[i + 1]) for i in range(0, len(pairs), 2)]
        return Window(
            last_sizes(strides, data_format)[1:-1],
            last_sizes(dilations, data_format)[1:-1],
            attrs["padding"],
            last_sizes(pads, data_format)[1:-1] if pads else (),
        )

    def pads(self, inputs: Sequence[int], window: Sequence[int]) -> Pads:
        """Zeros before and after each spatial dimension."""
        padding = list(self.explicit) if self.padding == "EXPLICIT" else self.padding
        return padding_of(padding, inputs, window, self.strides, self.dilations)

    def outputs(self, inputs: Sequence[int | None], window: Sequence[int | None]) -> tuple[int | None, ...]:
        """How many windows fit along each spatial dimension, None where that is not known."""
        return tuple(self._output(i, size, k) for i, (size, k) in enumerate(zip(inputs, window, strict=True)))

    def _output(self, axis: int, size: int | None, window: int | None) -> int | None:
        if size is None:
            return None
        stride = self.strides[axis]
        if self.padding == "SAME":
            return -(-size // stride)
        if window is None:
            return None
        size += sum(self.explicit[axis]) if self.padding == "EXPLICIT" else 0
        reach = (window - 1) * self.dilations[axis] + 1
        if size < reach:
            raise ValueError(f"Negative dimension size caused by subtracting {reach} (the window) from {size}")
        return (size - reach + stride) // stride


def checked_window(context: InferenceContext, rank: int, explicit: bool = False) -> Window:
    """The window of an operation on inputs of `rank` dimensions; ValueError for attributes that are none."""
    data_format = context.attrs.get("data_format", "NHWC")
    if data_format not in FORMATS or len(data_format) != rank:
        raise ValueError(f"data_format must be one of {[f for f in FORMATS if len(f) == rank]}, got {data_format!r}")
    paddings = ("SAME", "VALID", "EXPLICIT") if explicit else ("SAME", "VALID")
    if context["padding"] not in paddings:
        raise ValueError(f"padding must be one of {paddings}, got {context['padding']!r}")
    for name in ("strides", "dilations", "ksize"):
        if context.attrs.get(name):
            _check_steps(name, context[name], data_format)
    _check_pairs(context, rank)
    return Window.of(context.attrs)


def _check_steps(name: str, values: Sequence[int], data_format: str) -> None:
    if len(values) != len(data_format):
        raise ValueError(f"{name} must have {len(data_format)} elements for {data_format}, got {list(values)}")
    ordered = last_sizes(values, data_format)
    if min(values) < 1:
        raise ValueError(f"{name} must be positive, got {list(values)}")
    if ordered[0] != 1 or ordered[-1] != 1:
        raise ValueError(f"{name} must be 1 along batch and channels ({data_format}), got {list(values)}")


def _check_pairs(context: InferenceContext, rank: int) -> None:
    pairs = context.attrs.get("explicit_paddings") or []
    if context["padding"] != "EXPLICIT":
        if pairs:
            raise ValueError(f"explicit_paddings must be empty for padding {context['padding']!r}, got {list(pairs)}")
        return
    if len(pairs) != 2 * rank or min(pairs) < 0:
        raise ValueError(f"explicit_paddings must be {2 * rank} numbers of at least 0, got {list(pairs)}")
    ordered = last_sizes([(pairs[i], pairs[i + 1]) for i in range(0, len(pairs), 2)], context["data_format"])
    if ordered[0] != (0, 0) or ordered[-1] != (0, 0):
        raise ValueError(f"explicit_paddings must be 0 along batch and channels, got {list(pairs)}")


def convolved_sizes(context: InferenceContext, rank: int, depthwise: bool = False, explicit: bool = False) -> Sizes:
    """The shape of a convolution of input 0 with the filters of input 1."""
    window = checked_window(context, rank, explicit)
    data_format = context["data_format"]
    batch, *spatial, depth = last_sizes(context.with_rank(0, rank), data_format)
    *sizes, filter_depth, number = context.with_rank(1, rank)
    if depth is not None and filter_depth is not None and depth != filter_depth:
        raise ValueError(
            f"Dimensions must be equal, but are {depth} channels of the input {show(context.sizes[0])} ({data_format}) "
            f"and {filter_depth} of the filter {show(context.sizes[1])}"
        )
    if depthwise:
        depth = filter_depth if depth is None else depth
        number = None if number is None or depth is None else number * depth
    return format_sizes((batch, *window.outputs(spatial, sizes), number), data_format)


def pooled_sizes(context: InferenceContext, rank: int) -> Sizes:
    """The shape of a pool of input 0."""
    window = checked_window(context, rank)
    data_format = context.attrs.get("data_format", "NHWC")
    batch, *spatial, depth = last_sizes(context.with_rank(0, rank), data_format)
    ksize = last_sizes(context["ksize"], data_format)[1:-1]
    return format_sizes((batch, *window.outputs(spatial, ksize), depth), data_format)


def given_sizes(context: InferenceContext, index: int, rank: int) -> Sizes:
    """The shape that input `index` holds, which must have `rank` sizes."""
    context.with_rank(index, 1)
    sizes = context.shape_value(index)
    if sizes is None:
        return (None,) * rank
    if len(sizes) != rank:
        raise ValueError(f"{context.input_name(index)} must hold {rank} sizes, got {len(sizes)}: {list(sizes)}")
    return sizes


def sizes_of(sizes: Any, rank: int, name: str) -> tuple[int, ...]:
    """The shape that an array holds; InvalidArgumentError unless it is a vector of `rank` sizes."""
    if np.shape(sizes) != (rank,) or (sizes < 0).any():
        raise InvalidArgumentError(
            None, None, f"{name} must be a vector of {rank} sizes >= 0, got shape {list(np.shape(sizes))}"
        )
    return tuple(int(size) for size in sizes)


def check_convolved(context: InferenceContext, inputs: Sizes, filters: Sizes, rank: int) -> None:
    """Raises ValueError unless input 2 has the shape of a convolution of `inputs` with `filters`."""
    if inputs is None or filters is None:
        return
    explicit = "explicit_paddings" in context.attrs
    window = checked_window(context, rank, explicit)
    batch, *spatial, depth = last_sizes(inputs, context["data_format"])
    *sizes, filter_depth, number = filters
    if depth is not None and filter_depth is not None and depth != filter_depth:
        raise ValueError(
            f"Dimensions must be equal, but are {depth} channels of {inputs} and {filter_depth} of {filters}"
        )
    if "Depthwise" in context.definition.type:
        number = None if number is None or filter_depth is None else number * filter_depth
    expected = format_sizes((batch, *window.outputs(spatial, sizes), number), context["data_format"])
    _check_compatible(context, 2, expected)


def check_pooled(context: InferenceContext, inputs: Sizes, rank: int) -> None:
    """Raises ValueError unless input 1 has the shape of a pool of `inputs`."""
    window = checked_window(context, rank)
    if inputs is None:
        return
    batch, *spatial, depth = last_sizes(inputs, context["data_format"])
    ksize = last_sizes(context["ksize"], context["data_format"])[1:-1]
    expected = format_sizes((batch, *window.outputs(spatial, ksize), depth), context["data_format"])
    _check_compatible(context, 1, expected)


def _check_compatible(context: InferenceContext, index: int, expected: tuple[int | None, ...]) -> None:
    got = context.sizes[index]
    if got is not None and any(a != b for a, b in zip(got, expected, strict=True) if None not in (a, b)):
        raise ValueError(f"{context.input_name(index)}: expected shape {show(expected)}, got {show(got)}")
