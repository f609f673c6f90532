"""Convolutions as ops: 2-D, 3-D and depthwise, each with the two gradients that are ops of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import FLOATING, INDEX
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels import conv, depthwise
from ..registry import Op, op
from ..samples import Failure, Sample
from .array import shape
from .nn_geometry import (
    NO_PADS,
    ONES_2D,
    ONES_3D,
    Window,
    channels_last_view,
    check_convolved,
    checked_window,
    convolved_sizes,
    given_sizes,
    in_format,
    last_sizes,
    sizes_of,
)

Gradients = list[Any]


@op("Conv2D", "input: T, filter: T", "output: T", T=FLOATING)
def conv2d_op(
    input: Any,
    filter: Any,
    *,
    strides: list[int],
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: list[int] = NO_PADS,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """The correlation of images with filters [height, width, in_channels, out_channels]."""


@op("Conv2DBackpropInput", "input_sizes: int32, filter: T, out_backprop: T", "output: T", T=FLOATING)
def conv2d_backprop_input_op(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    *,
    strides: list[int],
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: list[int] = NO_PADS,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """The gradient of Conv2D with respect to its input; also the transposed convolution."""


@op("Conv2DBackpropFilter", "input: T, filter_sizes: int32, out_backprop: T", "output: T", T=FLOATING)
def conv2d_backprop_filter_op(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    *,
    strides: list[int],
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: list[int] = NO_PADS,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """The gradient of Conv2D with respect to its filters."""


@op("Conv3D", "input: T, filter: T", "output: T", T=FLOATING)
def conv3d_op(
    input: Any,
    filter: Any,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: list[int] = ONES_3D,
    name: str | None = None,
) -> Tensor:
    """The correlation of volumes with filters [depth, height, width, in_channels, out_channels]."""


@op(
    "Conv3DBackpropInputV2",
    "input_sizes: Tshape, filter: T, out_backprop: T",
    "output: T",
    T=FLOATING,
    Tshape=INDEX,
)
def conv3d_backprop_input_op(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: list[int] = ONES_3D,
    name: str | None = None,
) -> Tensor:
    """The gradient of Conv3D with respect to its input."""


@op("Conv3DBackpropFilterV2", "input: T, filter_sizes: int32, out_backprop: T", "output: T", T=FLOATING)
def conv3d_backprop_filter_op(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NDHWC",
    dilations: list[int] = ONES_3D,
    name: str | None = None,
) -> Tensor:
    """The gradient of Conv3D with respect to its filters."""


@op("DepthwiseConv2dNative", "input: T, filter: T", "output: T", T=FLOATING)
def depthwise_conv2d_op(
    input: Any,
    filter: Any,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """Each channel by filters of its own [height, width, in_channels, multiplier]."""


@op("DepthwiseConv2dNativeBackpropInput", "input_sizes: int32, filter: T, out_backprop: T", "output: T", T=FLOATING)
def depthwise_backprop_input_op(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """The gradient of DepthwiseConv2dNative with respect to its input."""


@op("DepthwiseConv2dNativeBackpropFilter", "input: T, filter_sizes: int32, out_backprop: T", "output: T", T=FLOATING)
def depthwise_backprop_filter_op(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    *,
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """The gradient of DepthwiseConv2dNative with respect to its filters."""


# Shapes


@conv2d_op.shape
def conv2d_shape(context: InferenceContext) -> list[Sizes]:
    return [convolved_sizes(context, 4, explicit=True)]


@conv3d_op.shape
def conv3d_shape(context: InferenceContext) -> list[Sizes]:
    return [convolved_sizes(context, 5)]


@depthwise_conv2d_op.shape
def depthwise_conv2d_shape(context: InferenceContext) -> list[Sizes]:
    return [convolved_sizes(context, 4, depthwise=True)]


def _backprop_shape(rank: int, index: int) -> Callable[[InferenceContext], list[Sizes]]:
    def rule(context: InferenceContext) -> list[Sizes]:
        checked_window(context, rank, "explicit_paddings" in context.attrs)
        other = context.with_rank(1 - index, rank)
        context.with_rank(2, rank)
        sizes = given_sizes(context, index, rank)
        inputs, filters = (sizes, other) if index == 0 else (other, sizes)
        check_convolved(context, inputs, filters, rank)
        return [sizes]

    return rule


# Kernels: the arrays go through channels last, whatever the format.


def _with_pads(window: Window, spatial: Any, filters: Any) -> tuple[Any, ...]:
    return window.strides, window.pads(spatial, filters), window.dilations


def _define_forward(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    def run(x: Any, filters: Any, out: Any, attrs: dict[str, Any]) -> Any:
        x = channels_last_view(x, attrs["data_format"])
        steps = _with_pads(Window.of(attrs), x.shape[1:-1], filters.shape[:-2])
        return function(x, filters, *steps, out)

    def kernel(xp: Any, x: Any, filters: Any, **attrs: Any) -> Any:
        return in_format(run(x, filters, None, attrs), attrs["data_format"])

    def into(xp: Any, out: Any, x: Any, filters: Any, **attrs: Any) -> None:
        run(x, filters, channels_last_view(out, attrs["data_format"]), attrs)

    definition.kernel(kernel)
    definition.into(into)


def _define_backprop_input(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    def run(sizes: Any, filters: Any, dy: Any, out: Any, attrs: dict[str, Any]) -> Any:
        data_format = attrs["data_format"]
        input_shape = last_sizes(sizes_of(sizes, dy.ndim, "input_sizes"), data_format)
        steps = _with_pads(Window.of(attrs), input_shape[1:-1], filters.shape[:-2])
        return function(input_shape, filters, channels_last_view(dy, data_format), *steps, out)

    def kernel(xp: Any, sizes: Any, filters: Any, dy: Any, **attrs: Any) -> Any:
        return in_format(run(sizes, filters, dy, None, attrs), attrs["data_format"])

    def into(xp: Any, out: Any, sizes: Any, filters: Any, dy: Any, **attrs: Any) -> None:
        run(sizes, filters, dy, channels_last_view(out, attrs["data_format"]), attrs)

    definition.kernel(kernel)
    definition.into(into)


def _define_backprop_filter(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    def run(x: Any, sizes: Any, dy: Any, out: Any, attrs: dict[str, Any]) -> Any:
        data_format = attrs["data_format"]
        filter_shape = sizes_of(sizes, dy.ndim, "filter_sizes")
        x = channels_last_view(x, data_format)
        steps = _with_pads(Window.of(attrs), x.shape[1:-1], filter_shape[:-2])
        return function(x, filter_shape, channels_last_view(dy, data_format), *steps, out)

    def kernel(xp: Any, x: Any, sizes: Any, dy: Any, **attrs: Any) -> Any:
        return run(x, sizes, dy, None, attrs)

    def into(xp: Any, out: Any, x: Any, sizes: Any, dy: Any, **attrs: Any) -> None:
        run(x, sizes, dy, out, attrs)

    definition.kernel(kernel)
    definition.into(into)


# Gradients: each of the three ops of a family is linear in two inputs, and the other two give its gradients.


def _define_gradients(forward: Op[..., Any], to_input: Op[..., Any], to_filter: Op[..., Any]) -> None:
    def forward_gradient(op: Operation, dy: Tensor) -> Gradients:
        (x, filters), attrs = op.inputs, _attrs(op, forward)
        return [to_input(shape(x), filters, dy, **attrs), to_filter(x, shape(filters), dy, **attrs)]

    def input_gradient(op: Operation, dy: Tensor) -> Gradients:
        (_, filters, backprop), attrs = op.inputs, _attrs(op, forward)
        return [None, to_filter(dy, shape(filters), backprop, **attrs), forward(dy, filters, **attrs)]

    def filter_gradient(op: Operation, dy: Tensor) -> Gradients:
        (x, _, backprop), attrs = op.inputs, _attrs(op, forward)
        return [to_input(shape(x), dy, backprop, **attrs), None, forward(x, dy, **attrs)]

    forward.gradient(forward_gradient)
    to_input.gradient(input_gradient)
    to_filter.gradient(filter_gradient)


def _attrs(op: Operation, forward: Op[..., Any]) -> dict[str, Any]:
    return {name: op.attrs[name] for name in forward.attributes}


# Samples

# (input, filter, attributes) of each family; the gradients' samples follow from them.
Case = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]

_CASES_2D: list[Case] = [
    ((2, 4, 5, 2), (3, 2, 2, 3), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
    ((1, 5, 6, 2), (3, 2, 2, 2), {"strides": [1, 2, 3, 1], "padding": "VALID"}),
    ((1, 2, 5, 4), (2, 2, 2, 1), {"strides": [1, 1, 2, 1], "padding": "SAME", "data_format": "NCHW"}),
    ((1, 6, 6, 1), (2, 2, 1, 2), {"strides": [1, 1, 1, 1], "padding": "VALID", "dilations": [1, 2, 3, 1]}),
    ((2, 3, 3, 6), (1, 1, 6, 2), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    (
        (1, 3, 3, 1),
        (2, 2, 1, 1),
        {"strides": [1, 1, 1, 1], "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 2, 0, 0]},
    ),
    ((0, 4, 4, 2), (2, 2, 2, 1), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
]
_CASES_3D: list[Case] = [
    ((1, 3, 3, 2, 2), (2, 2, 1, 2, 2), {"strides": [1, 1, 1, 1, 1], "padding": "SAME"}),
    ((1, 2, 3, 4, 3), (2, 2, 2, 2, 1), {"strides": [1, 1, 1, 2, 1], "padding": "VALID", "data_format": "NCDHW"}),
]
_CASES_DEPTHWISE: list[Case] = [
    ((2, 4, 4, 2), (3, 2, 2, 2), {"strides": [1, 1, 1, 1], "padding": "SAME"}),
    ((1, 5, 5, 3), (2, 2, 3, 1), {"strides": [1, 2, 2, 1], "padding": "VALID"}),
    ((1, 2, 4, 4), (2, 2, 2, 2), {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NCHW"}),
    ((1, 5, 5, 1), (2, 2, 1, 1), {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]}),
]


def _define_samples(definition: Op[..., Any], forward: Op[..., Any], kind: str, cases: list[Case]) -> None:
    def samples(rng: np.random.Generator) -> list[Sample]:
        return [_sample(rng, forward, kind, case) for case in cases]

    definition.samples(samples)


def _sample(rng: np.random.Generator, forward: Op[..., Any], kind: str, case: Case) -> Sample:
    input_shape, filter_shape, attrs = case
    x, filters = rng.normal(size=input_shape), rng.normal(size=filter_shape)
    if kind == "forward":
        return Sample((x, filters), attrs)
    defaults = {name: a.default for name, a in forward.attributes.items()}
    kernel: Any = forward.kernel_function
    dy = rng.normal(size=kernel(np, x, filters, **{**defaults, **attrs}).shape)
    if kind == "input":
        return Sample((np.array(input_shape, np.int32), filters, dy), attrs, gradients=(1, 2))
    return Sample((x, np.array(filter_shape, np.int32), dy), attrs, gradients=(0, 2))


def _define_family(
    forward: Op[..., Any],
    to_input: Op[..., Any],
    to_filter: Op[..., Any],
    functions: tuple[Callable[..., Any], ...],
    cases: list[Case],
) -> None:
    rank = len(cases[0][0])
    to_input.shape(_backprop_shape(rank, 0))
    to_filter.shape(_backprop_shape(rank, 1))
    _define_forward(forward, functions[0])
    _define_backprop_input(to_input, functions[1])
    _define_backprop_filter(to_filter, functions[2])
    _define_gradients(forward, to_input, to_filter)
    for definition, kind in ((forward, "forward"), (to_input, "input"), (to_filter, "filter")):
        _define_samples(definition, forward, kind, cases)


_define_family(
    conv2d_op,
    conv2d_backprop_input_op,
    conv2d_backprop_filter_op,
    (conv.conv2d, conv.conv2d_backprop_input, conv.conv2d_backprop_filter),
    _CASES_2D,
)
_define_family(
    conv3d_op,
    conv3d_backprop_input_op,
    conv3d_backprop_filter_op,
    (conv.conv3d, conv.conv3d_backprop_input, conv.conv3d_backprop_filter),
    _CASES_3D,
)
_define_family(
    depthwise_conv2d_op,
    depthwise_backprop_input_op,
    depthwise_backprop_filter_op,
    (
        depthwise.depthwise_conv2d,
        depthwise.depthwise_conv2d_backprop_input,
        depthwise.depthwise_conv2d_backprop_filter,
    ),
    _CASES_DEPTHWISE,
)


@conv2d_op.failing
@depthwise_conv2d_op.failing
def conv2d_failing(rng: np.random.Generator) -> list[Failure]:
    x, filters, ones = np.ones((1, 4, 4, 2)), np.ones((2, 2, 2, 1)), [1, 1, 1, 1]
    good = {"strides": ones, "padding": "SAME"}
    return [
        Failure((x, np.ones((2, 2, 3, 1))), ValueError, "2 channels.*3 of the filter", good),
        Failure((x[0], filters), ValueError, "input.*rank 4", good),
        Failure((x, filters[0]), ValueError, "filter.*rank 4", good),
        Failure((x, filters), ValueError, "strides must have 4", {**good, "strides": [1, 1]}),
        Failure((x, filters), ValueError, "strides must be positive", {**good, "strides": [1, 0, 1, 1]}),
        Failure((x, filters), ValueError, "batch and channels", {**good, "strides": [2, 1, 1, 1]}),
        Failure((x, filters), ValueError, "padding must be", {**good, "padding": "FULL"}),
        Failure((x, filters), ValueError, "data_format", {**good, "data_format": "NDHWC"}),
        Failure((x, np.ones((5, 2, 2, 1))), ValueError, "subtracting 5", {**good, "padding": "VALID"}),
    ]


@conv3d_op.failing
def conv3d_failing(rng: np.random.Generator) -> list[Failure]:
    attrs = {"strides": [1, 1, 1, 1, 1], "padding": "SAME"}
    return [
        Failure((np.ones((1, 2, 2, 2, 2)), np.ones((1, 1, 1, 3, 1))), ValueError, "2 channels.*3 of", attrs),
        Failure((np.ones((2, 2, 2, 2)), np.ones((1, 1, 1, 2, 1))), ValueError, "input.*rank 5", attrs),
    ]
