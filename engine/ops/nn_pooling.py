"""TensorFlow's functions for pools of lines, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import as_dtype, int64
from ..errors import UnimplementedError
from ..graph import Tensor, get_default_graph
from ..registry import Op
from .array_shape import expand_dims, squeeze
from .nn_convolution import one_of, steps_of
from .nn_geometry import channels_first, format_sizes
from .nn_pool import (
    avg_pool3d_op,
    avg_pool_op,
    max_pool3d_op,
    max_pool_op,
    max_pool_with_argmax_op,
)


def _pool2d(definition: Op[..., Any], value: Any, arguments: tuple[Any, ...], name: str) -> Tensor:
    ksize, strides, padding, data_format = arguments
    data_format = data_format or "NHWC"
    with get_default_graph().name_scope(name) as scope:
        result: Tensor = definition(
            convert_to_tensor(value, None, "value"),
            ksize=steps_of(ksize, 2, data_format, "ksize"),
            strides=steps_of(strides, 2, data_format, "strides"),
            padding=padding,
            data_format=data_format,
            name=scope,
        )
        return result


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: str | None = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The largest value of each window of images [batch, height, width, channels].

    Args:
        value: images, of any real dtype.
        ksize: size of the window: 1, 2 or 4 numbers.
        strides: steps of the window, likewise.
        padding: "SAME" or "VALID".
        data_format: "NHWC" or "NCHW".
        name: of the operation.
        input: the later name of `value`.
    """
    value = one_of("value", value, "input", input)
    return _pool2d(max_pool_op, value, (ksize, strides, padding, data_format), name or "MaxPool")


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: str | None = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The mean of each window of images, over what lies inside the image; arguments as `max_pool`."""
    value = one_of("value", value, "input", input)
    return _pool2d(avg_pool_op, value, (ksize, strides, padding, data_format), name or "AvgPool")


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """`max_pool` under its later name."""
    return _pool2d(max_pool_op, input, (ksize, strides, padding, data_format), name or "MaxPool2d")


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """`avg_pool` under its later name."""
    return _pool2d(avg_pool_op, input, (ksize, strides, padding, data_format), name or "AvgPool2D")


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The largest value of each window of volumes [batch, depth, height, width, channels]."""
    return _pool3d(max_pool3d_op, input, ksize, strides, padding, data_format, name)


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The mean of each window of volumes."""
    return _pool3d(avg_pool3d_op, input, ksize, strides, padding, data_format, name)


def _pool3d(
    definition: Op[..., Any],
    value: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str,
    name: str | None,
) -> Tensor:
    data_format = data_format or "NDHWC"
    sizes = {"ksize": ksize, "strides": strides}
    attrs = {key: steps_of(numbers, 3, data_format, key) for key, numbers in sizes.items()}
    result: Tensor = definition(value, padding=padding, data_format=data_format, name=name, **attrs)
    return result


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The largest value of each window of sequences [batch, width, channels]."""
    return _pool1d(max_pool_op, input, ksize, strides, padding, data_format, name or "MaxPool1d")


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The mean of each window of sequences."""
    return _pool1d(avg_pool_op, input, ksize, strides, padding, data_format, name or "AvgPool1D")


def _pool1d(
    definition: Op[..., Any],
    value: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str,
    name: str,
) -> Tensor:
    wide = "NCHW" if channels_first(data_format or "NWC") else "NHWC"
    axis = 2 if wide == "NCHW" else 1
    sizes = {"ksize": ksize, "strides": strides}
    attrs = {
        key: list(format_sizes([1, 1, max(steps_of(numbers, 1, wide[:1] + wide[2:], key)), 1], wide))
        for key, numbers in sizes.items()
    }
    with get_default_graph().name_scope(name) as scope:
        pooled = definition(expand_dims(value, axis), padding=padding, data_format=wide, **attrs)
        return squeeze(pooled, [axis], name=scope)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> Any:
    """The largest value of each window and its flat index ((y * width) + x) * channels + channel.

    Args:
        input: images [batch, height, width, channels].
        ksize: size of the window.
        strides: steps of the window.
        padding: "SAME" or "VALID".
        data_format: must be "NHWC".
        Targmax: dtype of the index, int64 if left out.
        name: of the operation.
        output_dtype: the later name of `Targmax`.
        include_batch_in_index: count from the first image and not from the window's own.
    """
    if data_format != "NHWC":
        raise ValueError(f"data_format: max_pool_with_argmax takes 'NHWC' only, got {data_format!r}")
    dtype = Targmax if output_dtype is None else output_dtype
    return max_pool_with_argmax_op(
        input,
        ksize=steps_of(ksize, 2, "NHWC", "ksize"),
        strides=steps_of(strides, 2, "NHWC", "strides"),
        padding=padding,
        Targmax=int64 if dtype is None else as_dtype(dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """A pool over 1, 2 or 3 spatial dimensions, as the length of `window_shape` says.

    Args:
        input: [batch, *spatial, channels], or channels first as `data_format` says.
        window_shape: a number for each spatial dimension.
        pooling_type: "MAX" or "AVG".
        padding: "SAME" or "VALID".
        dilation_rate: 1 along all dimensions.
        strides: steps of the window, 1 if left out.
        name: of the scope.
        data_format: None or one that starts with "NC".
        dilations: the later name of `dilation_rate`.

    Raises:
        UnimplementedError: for windows with holes.
    """
    rate = dilation_rate if dilations is None else dilations
    if rate is not None and any(int(r) != 1 for r in rate):
        raise UnimplementedError(None, None, f"pool takes no windows with holes: dilation_rate {list(rate)}")
    kinds: dict[tuple[str, int], Callable[..., Tensor]] = {
        ("MAX", 1): max_pool1d, ("MAX", 2): max_pool2d, ("MAX", 3): max_pool3d,
        ("AVG", 1): avg_pool1d, ("AVG", 2): avg_pool2d, ("AVG", 3): avg_pool3d,
    }  # fmt: skip
    build = kinds.get((pooling_type, len(window_shape)))
    if build is None:
        raise ValueError(f"pool takes 'MAX' or 'AVG' over 1 to 3 dimensions, got {pooling_type!r} of {window_shape}")
    first = data_format is not None and channels_first(data_format)
    formats = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}[len(window_shape)]
    steps = [1] * len(window_shape) if strides is None else strides
    with get_default_graph().name_scope(name or "pool") as scope:
        return build(input, list(window_shape), list(steps), padding, formats[first], name=scope)
