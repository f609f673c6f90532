"""DepthwiseConv1D and 2D, SeparableConv1D and 2D: convolutions of each channel by itself."""

from __future__ import annotations

from typing import Any

from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.nn_convolution import depthwise_conv2d, separable_conv2d
from . import activations
from .base import Shape
from .checks import positive
from .convolution import BaseConv
from .data_format import channel_axis, op_format, spatial_axes
from .serialization import registered


class DepthwiseConv(BaseConv):
    """Each channel by filters of its own.

    Args:
        kernel_size, strides, dilation_rate: a number, or one for each spatial axis.
        padding: "valid" or "same"; for sequences also "causal".
        depth_multiplier: number of outputs of a channel.
        data_format: "channels_last" or "channels_first"; that of the settings by default.
        activation: a name or function; none by default.
        use_bias: whether there is a bias.
        depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint: of the weights.

    Raises:
        ValueError: an argument is none of its kind, or the channels are not known.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = positive(type(self).__name__, "depth_multiplier", depth_multiplier)
        self.set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.keep(
            depthwise_initializer=depthwise_initializer, depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint, bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        channels = self.known_channels(input_shape)
        self.kernel = self.make_weight("kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self.bias = self.make_weight("bias", (channels * self.depth_multiplier,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        values, padding = self.padded(inputs)
        if self.rank == 2:
            outputs = depthwise_conv2d(
                values, self.kernel, list(self.strides), padding, list(self.dilation_rate),
                data_format=op_format(self.data_format, 2),
            )  # fmt: skip
            return self.finished(outputs, self.bias, self.activation)
        axis, stride = spatial_axes(self.data_format, 1)[0], self.strides[0]
        outputs = depthwise_conv2d(
            expand_dims(values, axis), expand_dims(self.kernel, 0), [stride, stride], padding,
            [1, self.dilation_rate[0]], data_format=op_format(self.data_format, 2),
        )  # fmt: skip
        return self.finished(squeeze(outputs, [axis]), self.bias, self.activation)

    def compute_output_shape(self, input_shape: Any) -> Any:
        channels = input_shape[channel_axis(self.data_format, self.rank)]
        return self.shape_with(tuple(input_shape), channels * self.depth_multiplier)


@registered("layers")
class DepthwiseConv1D(DepthwiseConv):
    """A depthwise convolution of sequences; see DepthwiseConv for the arguments."""

    rank = 1


@registered("layers")
class DepthwiseConv2D(DepthwiseConv):
    """A depthwise convolution of images; see DepthwiseConv for the arguments."""

    rank = 2


class SeparableConv(BaseConv):
    """A convolution of each channel by itself, then one of single places that mixes the channels.

    Args:
        filters: number of output channels.
        kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier: as for DepthwiseConv.
        activation: a name or function; none by default.
        use_bias: whether there is a bias after the second convolution.
        depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer, pointwise_regularizer,
            bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint: of the
            weights.

    Raises:
        ValueError: an argument is none of its kind, or the channels are not known.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive(type(self).__name__, "filters", filters)
        self.depth_multiplier = positive(type(self).__name__, "depth_multiplier", depth_multiplier)
        self.set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.keep(
            depthwise_initializer=depthwise_initializer, depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint, pointwise_initializer=pointwise_initializer,
            pointwise_regularizer=pointwise_regularizer, pointwise_constraint=pointwise_constraint,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        channels = self.known_channels(input_shape)
        deep, point = (*self.kernel_size, channels, self.depth_multiplier), (1,) * self.rank
        self.depthwise_kernel = self.make_weight("depthwise_kernel", deep, "depthwise")
        self.pointwise_kernel = self.make_weight(
            "pointwise_kernel", (*point, channels * self.depth_multiplier, self.filters), "pointwise"
        )
        self.bias = self.make_weight("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        values, padding = self.padded(inputs)
        if self.rank == 2:
            outputs = separable_conv2d(
                values, self.depthwise_kernel, self.pointwise_kernel, list(self.strides), padding,
                rate=list(self.dilation_rate), data_format=op_format(self.data_format, 2),
            )  # fmt: skip
            return self.finished(outputs, self.bias, self.activation)
        axis, stride = spatial_axes(self.data_format, 1)[0], self.strides[0]
        outputs = separable_conv2d(
            expand_dims(values, axis), expand_dims(self.depthwise_kernel, 0), expand_dims(self.pointwise_kernel, 0),
            [stride, stride], padding, rate=[1, self.dilation_rate[0]], data_format=op_format(self.data_format, 2),
        )  # fmt: skip
        return self.finished(squeeze(outputs, [axis]), self.bias, self.activation)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.shape_with(tuple(input_shape), self.filters)


@registered("layers", "SeparableConvolution1D")
class SeparableConv1D(SeparableConv):
    """A depthwise separable convolution of sequences; see SeparableConv for the arguments."""

    rank = 1


@registered("layers", "SeparableConvolution2D")
class SeparableConv2D(SeparableConv):
    """A depthwise separable convolution of images; see SeparableConv for the arguments."""

    rank = 2


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
