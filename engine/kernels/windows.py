"""What convolutions and pools share: padding rules, output sizes and views of sliding windows.

All arrays are channels-last, `[batch, *spatial, channels]`; everything holds for any number of
spatial dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .scratch import scratch

Array = NDArray[Any]
Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def padding_of(
    padding: str | Sequence[tuple[int, int]],
    inputs: Sequence[int],
    windows: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int] | None = None,
) -> Pads:
    """Returns the zeros before and after each spatial dimension, by TF 1.15's rules.

    Args:
        padding: "SAME", "VALID", or the pairs themselves (EXPLICIT).
        inputs: spatial sizes of the input.
        windows: spatial sizes of the filter or the pool.
        strides: step of each spatial dimension.
        dilations: spacing of the filter's taps; 1 where left out.

    >>> padding_of("SAME", (5, 6), (3, 2), (2, 2))
    ((1, 1), (0, 0))
    """
    if not isinstance(padding, str):
        return tuple((before, after) for before, after in padding)
    if padding == "VALID":
        return ((0, 0),) * len(inputs)
    if padding != "SAME":
        raise ValueError(f"padding: expected SAME, VALID or pairs of ints, got {padding!r}")
    spread = dilations or (1,) * len(inputs)
    return tuple(map(_same, inputs, windows, strides, spread))


def output_sizes(
    inputs: Sequence[int],
    windows: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int] | None = None,
) -> Sizes:
    """Returns how many windows fit along each spatial dimension.

    Raises:
        InvalidArgumentError: when a window is larger than the padded input.

    >>> output_sizes((5, 6), (3, 2), (2, 2), ((1, 1), (0, 0)))
    (3, 3)
    """
    spread = dilations or (1,) * len(inputs)
    sizes = []
    for size, window, stride, pad, dilation in zip(inputs, windows, strides, pads, spread, strict=True):
        room = size + sum(pad) - ((window - 1) * dilation + 1)
        if room + stride < 0:
            raise InvalidArgumentError(
                None,
                None,
                f"Computed output size would be negative: a window of {window} (dilation "
                f"{dilation}) does not fit into {size} with padding {pad}",
            )
        sizes.append(room // stride + 1)
    return tuple(sizes)


def sliding(x: Array, windows: Sizes, strides: Sizes, dilations: Sizes) -> Array:
    """Returns a read-only view `[batch, *outputs, *windows, channels]` of a padded input."""
    outputs = output_sizes(x.shape[1:-1], windows, strides, ((0, 0),) * len(windows), dilations)
    spatial = x.strides[1:-1]
    steps = tuple(a * b for a, b in zip(spatial, strides, strict=True))
    taps = tuple(a * b for a, b in zip(spatial, dilations, strict=True))
    return as_strided(
        x,
        (x.shape[0], *outputs, *windows, x.shape[-1]),
        (x.strides[0], *steps, *taps, x.strides[-1]),
        writeable=False,
    )


def cut(x: Array, ranges: list[tuple[int, int]], dtype: np.dtype[Any]) -> Array:
    """Returns x over a range of each spatial axis, with zeros where a range leaves the input."""
    inside, holes = [], False
    for size, (start, stop) in zip(x.shape[1:-1], ranges, strict=True):
        inside.append((min(max(start, 0), size), max(min(stop, size), 0)))
        holes |= start < 0 or stop > size
    source = x[(slice(None), *(slice(*pair) for pair in inside))]
    if not holes and x.dtype == dtype:
        return source
    shape = (x.shape[0], *(stop - start for start, stop in ranges), x.shape[-1])
    buffer = scratch("padded", shape, dtype)
    if holes:
        buffer[...] = 0
    place = tuple(slice(a - start, b - start) for (a, b), (start, _) in zip(inside, ranges, strict=True))
    if source.size:
        buffer[(slice(None), *place)] = source
    return buffer


def image_chunks(batch: int, image_bytes: int, limit: int) -> Iterator[slice]:
    """Cuts a batch into runs of images of at most `limit` bytes, one image at the least."""
    step = max(1, limit // max(1, image_bytes))
    for start in range(0, batch, step):
        yield slice(start, min(batch, start + step))


def _same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    outputs = -(-size // stride)
    needed = max((outputs - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return needed // 2, needed - needed // 2
