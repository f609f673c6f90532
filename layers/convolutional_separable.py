"""Depthwise separable convolutions, as TensorFlow 1.15's `tf.layers.SeparableConv1D` and `SeparableConv2D`."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import zeros_initializer
from ..engine.ops.array_shape import expand_dims, squeeze
from ..engine.ops.nn_convolution import separable_conv2d as nn_separable_conv2d
from ..engine.shapes import TensorShape
from .convolutional import Conv, Numbers
from .core import Function, functional_options


class SeparableConv(Conv):
    """A convolution of each channel by itself, then one of single places that mixes the channels.

    Args:
        rank: number of spatial dimensions, 1 or 2.
        filters: number of output channels.
        kernel_size, strides, padding, data_format, dilation_rate: of the first convolution, as for Conv.
        depth_multiplier: how many outputs the first convolution gives a channel.
        activation: a function of tensors, None for none.
        use_bias: whether there is a bias after the second convolution.
        depthwise_initializer, pointwise_initializer, bias_initializer: of the variables.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: give losses.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied to variables after an update.
        trainable, name: as for every layer.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = 1,
        depth_multiplier: int = 1,
        activation: Function | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        depthwise_regularizer: Function | None = None,
        pointwise_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        depthwise_constraint: Function | None = None,
        pointwise_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            None, bias_initializer, None, bias_regularizer, activity_regularizer, None, bias_constraint,
            trainable, name, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer, self.pointwise_initializer = depthwise_initializer, pointwise_initializer
        self.depthwise_regularizer, self.pointwise_regularizer = depthwise_regularizer, pointwise_regularizer
        self.depthwise_constraint, self.pointwise_constraint = depthwise_constraint, pointwise_constraint

    def build(self, input_shape: TensorShape) -> None:
        channels = self.known_channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self.add_bias(self.filters or 0)

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        return self.finished(self._of_lines(inputs) if self.rank == 1 else self._of_images(inputs))

    def _of_images(self, inputs: Tensor) -> Tensor:
        return nn_separable_conv2d(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            list(self.strides),
            self.padding.upper(),
            rate=list(self.dilation_rate),
            data_format=self.op_format,
        )

    def _of_lines(self, inputs: Tensor) -> Tensor:
        """A sequence is an image of height one."""
        padding = self.padding
        if padding == "causal":
            inputs, padding = self._padded_before(inputs), "valid"
        axis = 2 if self.channel_axis == 1 else 1
        result = nn_separable_conv2d(
            expand_dims(inputs, axis),
            expand_dims(self.depthwise_kernel, 0),
            expand_dims(self.pointwise_kernel, 0),
            [self.strides[0], self.strides[0]],
            padding.upper(),
            rate=[1, self.dilation_rate[0]],
            data_format="NCHW" if self.channel_axis == 1 else "NHWC",
        )
        return squeeze(result, [axis])


class SeparableConv1D(SeparableConv):
    """A depthwise separable convolution of sequences, [batch, width, channels]; see SeparableConv."""

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = 1,
        depth_multiplier: int = 1,
        activation: Function | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        depthwise_regularizer: Function | None = None,
        pointwise_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        depthwise_constraint: Function | None = None,
        pointwise_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
            pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint,
            pointwise_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


class SeparableConv2D(SeparableConv):
    """A depthwise separable convolution of images, [batch, height, width, channels]; see SeparableConv."""

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = (1, 1),
        depth_multiplier: int = 1,
        activation: Function | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        depthwise_regularizer: Function | None = None,
        pointwise_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        depthwise_constraint: Function | None = None,
        pointwise_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation, use_bias,
            depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
            pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint,
            pointwise_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


def separable_conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Numbers = 1,
    depth_multiplier: int = 1,
    activation: Function | None = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = zeros_initializer,
    depthwise_regularizer: Function | None = None,
    pointwise_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    depthwise_constraint: Function | None = None,
    pointwise_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
) -> Tensor:
    """A depthwise separable convolution of sequences as a function; see SeparableConv1D."""
    options = functional_options(locals())
    result: Tensor = SeparableConv1D(**options)(inputs)
    return result


def separable_conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Numbers = (1, 1),
    depth_multiplier: int = 1,
    activation: Function | None = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = zeros_initializer,
    depthwise_regularizer: Function | None = None,
    pointwise_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    depthwise_constraint: Function | None = None,
    pointwise_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
) -> Tensor:
    """A depthwise separable convolution of images as a function; see SeparableConv2D."""
    options = functional_options(locals())
    result: Tensor = SeparableConv2D(**options)(inputs)
    return result
