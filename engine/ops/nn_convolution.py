"""TensorFlow's functions for convolutions: of lines, images and volumes, transposed, dilated, depthwise, separable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import int32
from ..graph import Tensor, get_default_graph
from ..registry import Op
from .array_shape import expand_dims, squeeze
from .nn_conv import (
    conv2d_backprop_filter_op,
    conv2d_backprop_input_op,
    conv2d_op,
    conv3d_backprop_filter_op,
    conv3d_backprop_input_op,
    conv3d_op,
    depthwise_backprop_filter_op,
    depthwise_backprop_input_op,
    depthwise_conv2d_op,
)
from .nn_geometry import channels_first, format_sizes

Numbers = int | Sequence[int] | None


def steps_of(value: Numbers, spatial: int, data_format: str, name: str) -> list[int]:
    """Strides, dilations or window sizes as one number a dimension of `data_format`.

    Args:
        value: a number for all spatial dimensions, or one for each of them, or one for each dimension; None means 1.
        spatial: the number of spatial dimensions.
        data_format: where the channels are.
        name: of the argument, for errors.
    """
    numbers = [1] if value is None else [value] if isinstance(value, int | np.integer) else [int(v) for v in value]
    if len(numbers) == spatial + 2:
        return numbers
    if len(numbers) == 1:
        numbers *= spatial
    if len(numbers) != spatial:
        raise ValueError(f"{name} must have 1, {spatial} or {spatial + 2} elements, got {len(numbers)}: {value}")
    return list(format_sizes([1, *numbers, 1], data_format))


def padding_attributes(padding: Any, rank: int) -> dict[str, Any]:
    """The attributes of a padding: "SAME", "VALID", or a pair of numbers for each dimension."""
    if isinstance(padding, str | bytes):
        return {"padding": padding.decode() if isinstance(padding, bytes) else padding}
    if not isinstance(padding, list | tuple):
        raise ValueError(f"padding must be 'SAME', 'VALID' or a list of {rank} pairs, got {padding!r}")
    if len(padding) != rank or any(len(pair) != 2 for pair in padding):
        raise ValueError(f"explicit padding must be a list of {rank} pairs, got {padding!r}")
    return {"padding": "EXPLICIT", "explicit_paddings": [int(n) for pair in padding for n in pair]}


def one_of(name: str, first: Any, other: str, second: Any) -> Any:
    """The argument that was given under one of two names; ValueError where both or none were."""
    if first is not None and second is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{other}'")
    if first is None and second is None:
        raise ValueError(f"Must specify '{name}' (or '{other}')")
    return second if first is None else first


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The correlation of images with filters, as TensorFlow 1.15's `tf.nn.conv2d`.

    Args:
        input: [batch, height, width, in_channels], or [batch, in_channels, height, width] for "NCHW".
        filter: [height, width, in_channels, out_channels], of the dtype of `input`.
        strides: 1, 2 or 4 numbers.
        padding: "SAME", "VALID", or a list of pairs, one a dimension.
        use_cudnn_on_gpu: accepted for TensorFlow's sake.
        data_format: "NHWC" or "NCHW".
        dilations: spacing of the filter's taps.
        name: of the operation.
        filters: the later name of `filter`.

    Raises:
        ValueError: shapes that do not fit, or attributes that are none.
    """
    data_format = data_format or "NHWC"
    return conv2d_op(
        input,
        one_of("filter", filter, "filters", filters),
        strides=steps_of(strides, 2, data_format, "strides"),
        use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
        data_format=data_format,
        dilations=steps_of(dilations, 2, data_format, "dilations"),
        name=name,
        **padding_attributes(padding, 4),
    )


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The gradient of `conv2d` with respect to its input of shape `input_sizes`."""
    return conv2d_backprop_input_op(
        shape_argument(input_sizes, "input_sizes"),
        one_of("filter", filter, "filters", filters),
        out_backprop,
        strides=steps_of(strides, 2, data_format, "strides"),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=steps_of(dilations, 2, data_format, "dilations"),
        name=name,
        **padding_attributes(padding, 4),
    )


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of `conv2d` with respect to its filters of shape `filter_sizes`."""
    return conv2d_backprop_filter_op(
        input,
        shape_argument(filter_sizes, "filter_sizes"),
        out_backprop,
        strides=steps_of(strides, 2, data_format, "strides"),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=steps_of(dilations, 2, data_format, "dilations"),
        name=name,
        **padding_attributes(padding, 4),
    )


def shape_argument(shape: Any, name: str) -> Tensor:
    """A shape as an int32 vector: numbers, a TensorShape, a tensor, or a list with tensors in it."""
    if isinstance(shape, list | tuple):
        shape = [getattr(size, "value", size) for size in shape]
    return convert_to_tensor(shape, int32, name)


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose of `conv2d`, often called deconvolution: the gradient of a convolution, as a layer.

    Args:
        value: [batch, height, width, in_channels].
        filter: [height, width, out_channels, in_channels].
        output_shape: of the result; a list, or a tensor where it is computed.
        strides: of the convolution it is the transpose of.
        padding: "SAME" or "VALID".
        data_format: "NHWC" or "NCHW".
        name: of the operation.
        input: the later name of `value`.
        filters: the later name of `filter`.
        dilations: spacing of the filter's taps.
    """
    data_format = data_format or "NHWC"
    value = one_of("value", value, "input", input)
    with get_default_graph().name_scope(name or "conv2d_transpose") as scope:
        return conv2d_backprop_input_op(
            shape_argument(output_shape, "output_shape"),
            one_of("filter", filter, "filters", filters),
            convert_to_tensor(value, None, "value"),
            strides=steps_of(strides, 2, data_format, "strides"),
            data_format=data_format,
            dilations=steps_of(dilations, 2, data_format, "dilations"),
            name=scope,
            **padding_attributes(padding, 4),
        )


def deconv2d(
    value: Any, filter: Any, output_shape: Any, strides: Any, padding: Any = "SAME", name: str | None = None
) -> Tensor:
    """`conv2d_transpose` under its name before TensorFlow 0.8."""
    return conv2d_transpose(value, filter, output_shape, strides, padding, name=name)


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The correlation of sequences [batch, width, in_channels] with filters [width, in_channels, out_channels].

    Args:
        value: sequences, or [batch, in_channels, width] for data_format "NCW" (also "NCHW").
        filters: of the dtype of `value`.
        stride: the step along the width.
        padding: "SAME" or "VALID".
        use_cudnn_on_gpu: accepted for TensorFlow's sake.
        data_format: "NWC" (the default, also "NHWC") or "NCW".
        name: of the operation.
        input: the later name of `value`.
        dilations: spacing of the filter's taps.
    """
    value = one_of("value", value, "input", input)
    formats = {None: "NHWC", "NWC": "NHWC", "NHWC": "NHWC", "NCW": "NCHW", "NCHW": "NCHW"}
    if data_format not in formats:
        raise ValueError(f"data_format must be 'NWC' or 'NCW', got {data_format!r}")
    wide = formats[data_format]
    axis = 2 if channels_first(wide) else 1
    with get_default_graph().name_scope(name or "conv1d") as scope:
        result = conv2d_op(
            expand_dims(value, axis),
            expand_dims(filters, 0),
            strides=_lines(stride, wide, "stride"),
            padding=padding,
            use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
            data_format=wide,
            dilations=_lines(dilations, wide, "dilations"),
        )
        return squeeze(result, [axis], name=scope)


def _lines(value: Numbers, data_format: str, name: str) -> list[int]:
    number = steps_of(value, 1, data_format[0] + data_format[1:].replace("H", ""), name)
    return list(format_sizes([1, 1, max(number), 1], data_format))


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The correlation of volumes [batch, depth, height, width, in] with filters [depth, height, width, in, out]."""
    data_format = data_format or "NDHWC"
    return conv3d_op(
        input,
        one_of("filter", filter, "filters", filters),
        strides=steps_of(strides, 3, data_format, "strides"),
        padding=padding,
        data_format=data_format,
        dilations=steps_of(dilations, 3, data_format, "dilations"),
        name=name,
    )


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of `conv3d` with respect to its filters of shape `filter_sizes`."""
    return conv3d_backprop_filter_op(
        input,
        shape_argument(filter_sizes, "filter_sizes"),
        out_backprop,
        strides=steps_of(strides, 3, data_format, "strides"),
        padding=padding,
        data_format=data_format,
        dilations=steps_of(dilations, 3, data_format, "dilations"),
        name=name,
    )


def conv3d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """The transpose of `conv3d`; filters are [depth, height, width, out_channels, in_channels]."""
    data_format = data_format or "NDHWC"
    value = one_of("value", value, "input", input)
    with get_default_graph().name_scope(name or "conv3d_transpose") as scope:
        return conv3d_backprop_input_op(
            shape_argument(output_shape, "output_shape"),
            one_of("filter", filter, "filters", filters),
            convert_to_tensor(value, None, "value"),
            strides=steps_of(strides, 3, data_format, "strides"),
            padding=padding,
            data_format=data_format,
            dilations=steps_of(dilations, 3, data_format, "dilations"),
            name=scope,
        )


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Each channel by filters of its own; channel c gives outputs c * multiplier and following.

    Args:
        input: [batch, height, width, in_channels].
        filter: [height, width, in_channels, multiplier].
        strides: 1, 2 or 4 numbers.
        padding: "SAME" or "VALID".
        rate: spacing of the filter's taps, 1 or 2 numbers.
        name: of the operation.
        data_format: "NHWC" or "NCHW".
        dilations: the later name of `rate`.
    """
    wanted = data_format or "NHWC"
    if rate is not None and dilations is not None:
        raise ValueError("Cannot specify both 'rate' and 'dilations'")
    with get_default_graph().name_scope(name or "depthwise") as scope:
        return depthwise_conv2d_op(
            convert_to_tensor(input, None, "tensor_in"),
            convert_to_tensor(filter, None, "filter_in"),
            strides=steps_of(strides, 2, wanted, "strides"),
            padding=padding,
            data_format=wanted,
            dilations=steps_of(rate if dilations is None else dilations, 2, wanted, "rate"),
            name=scope,
        )


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """`depthwise_conv2d` as the op itself takes it."""
    return _depthwise(depthwise_conv2d_op, (input, filter), strides, padding, data_format, dilations, name)


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of `depthwise_conv2d` with respect to its input."""
    inputs = (shape_argument(input_sizes, "input_sizes"), filter, out_backprop)
    return _depthwise(depthwise_backprop_input_op, inputs, strides, padding, data_format, dilations, name)


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of `depthwise_conv2d` with respect to its filters."""
    inputs = (input, shape_argument(filter_sizes, "filter_sizes"), out_backprop)
    return _depthwise(depthwise_backprop_filter_op, inputs, strides, padding, data_format, dilations, name)


def _depthwise(
    definition: Op[..., Any],
    inputs: tuple[Any, ...],
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None,
) -> Tensor:
    steps = {"strides": strides, "dilations": dilations}
    attrs = {key: steps_of(value, 2, data_format, key) for key, value in steps.items()}
    result: Tensor = definition(*inputs, padding=padding, data_format=data_format, name=name, **attrs)
    return result


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: str,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """A depthwise convolution, then one of single pixels that mixes the channels.

    Args:
        input: [batch, height, width, in_channels].
        depthwise_filter: [height, width, in_channels, multiplier].
        pointwise_filter: [1, 1, in_channels * multiplier, out_channels].
        strides: of the depthwise convolution.
        padding: "SAME" or "VALID".
        rate: spacing of the depthwise filter's taps.
        name: of the scope.
        data_format: "NHWC" or "NCHW".
        dilations: the later name of `rate`.
    """
    with get_default_graph().name_scope(name or "separable_conv2d") as scope:
        deep = depthwise_conv2d(input, depthwise_filter, strides, padding, rate, None, data_format, dilations)
        point = convert_to_tensor(pointwise_filter, None, "pointwise_filter")
        if point.sizes is not None and len(point.sizes) == 4 and point.sizes[:2] != (1, 1):
            raise ValueError(f"pointwise_filter must have shape [1, 1, in, out], got {point.shape}")
        wanted = data_format or "NHWC"
        return conv2d_op(deep, point, strides=[1, 1, 1, 1], padding="VALID", data_format=wanted, name=scope)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Tensor:
    """`conv2d` of stride 1 with `rate - 1` holes between the taps of the filters."""
    return convolution(value, filters, padding, dilation_rate=[rate, rate], name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: str | None = None
) -> Tensor:
    """The transpose of `atrous_conv2d`; filters are [height, width, out_channels, in_channels]."""
    with get_default_graph().name_scope(name or "atrous_conv2d_transpose") as scope:
        return conv2d_transpose(value, filters, output_shape, 1, padding, name=scope, dilations=[rate, rate])


def convolution(
    input: Any,
    filter: Any = None,
    padding: str | None = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """A convolution over 1, 2 or 3 spatial dimensions, as the rank of the filters says.

    Args:
        input: [batch, *spatial, in_channels], or channels first as `data_format` says.
        filter: [*window, in_channels, out_channels].
        padding: "SAME" or "VALID".
        strides: a number for each spatial dimension.
        dilation_rate: the same for the spacing of the taps.
        name: of the scope.
        data_format: None or one that starts with "NC", with as many letters as `input` has dimensions.
        filters: the later name of `filter`.
        dilations: the later name of `dilation_rate`.
    """
    weights = convert_to_tensor(one_of("filter", filter, "filters", filters), None, "filter")
    if weights.sizes is None or not 3 <= len(weights.sizes) <= 5:
        raise ValueError(f"filter must have a known rank from 3 to 5, got shape {weights.shape}")
    spatial = len(weights.sizes) - 2
    rate = dilation_rate if dilations is None else dilations
    first = data_format is not None and channels_first(data_format)
    builds: dict[int, Callable[..., Tensor]] = {1: conv1d, 2: conv2d, 3: conv3d}
    formats = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}[spatial]
    with get_default_graph().name_scope(name or "convolution") as scope:
        return builds[spatial](input, weights, strides, padding, data_format=formats[first], dilations=rate, name=scope)
