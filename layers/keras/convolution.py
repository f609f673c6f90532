"""Conv1D, Conv2D and Conv3D, and what they share with the transposed and the depthwise ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.ops.array_pad import pad
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.nn_convolution import conv1d, conv2d, conv3d
from ..convolutional import as_padding, as_tuple, window_length
from . import activations
from .base import Layer, Shape
from .checks import positive
from .data_format import channel_axis, data_format_of, op_format, spatial_axes
from .input_spec import InputSpec
from .serialization import registered

_BUILDS: dict[int, Callable[..., Any]] = {1: conv1d, 2: conv2d, 3: conv3d}


class BaseConv(Layer):
    """Windows, data format, bias and activation of a convolution over `rank` spatial axes."""

    rank: int
    casts_integers = True

    def set_windows(self, kernel_size: Any, strides: Any, padding: str, data_format: Any, dilation_rate: Any) -> None:
        """Checks and keeps the arguments that say where the windows lie.

        Raises:
            ValueError: an argument is none of its kind, or strides and dilations are both above one.
        """
        self.kernel_size = as_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = as_tuple(strides, self.rank, "strides")
        self.dilation_rate = as_tuple(dilation_rate, self.rank, "dilation_rate")
        self.padding = as_padding(padding, causal=self.rank == 1)
        self.data_format = data_format_of(data_format)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"`strides > 1` not supported in conjunction with `dilation_rate > 1` in layer {self.name!r}: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.input_spec = InputSpec(min_ndim=self.rank + 2)

    def known_channels(self, input_shape: Shape) -> int:
        """The number of the input's channels, from now on asked of each input; ValueError where it is not known."""
        axis = channel_axis(self.data_format, self.rank)
        if len(input_shape) != self.rank + 2 or input_shape[axis] is None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects inputs of rank {self.rank + 2} whose channels "
                f"(axis {axis}) are known, got shape {input_shape}"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: input_shape[axis]})
        return int(input_shape[axis] or 0)

    def padded(self, inputs: Any) -> tuple[Any, str]:
        """The inputs and the padding as operations take it; causal inputs are padded in front."""
        if self.padding != "causal":
            return inputs, self.padding.upper()
        pads = [[0, 0], [0, 0], [0, 0]]
        pads[spatial_axes(self.data_format, 1)[0]][0] = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return pad(inputs, pads), "VALID"

    def finished(self, outputs: Any, bias: Any, activation: Any) -> Any:
        """The outputs of a convolution with bias and activation."""
        if bias is not None:
            outputs = bias_add(outputs, bias, data_format=op_format(self.data_format, self.rank))
        return activation(outputs)

    def output_length(self, size: int | None, place: int) -> int | None:
        """The output's size along a spatial axis for the input's."""
        options = self.padding, self.strides[place], self.dilation_rate[place]
        return window_length(size, self.kernel_size[place], *options)

    def shape_with(self, input_shape: Shape, channels: int) -> Shape:
        """The output's shape."""
        sizes = list(input_shape)
        for place, axis in enumerate(spatial_axes(self.data_format, self.rank)):
            sizes[axis] = self.output_length(sizes[axis], place)
            if (sizes[axis] or 1) < 1:
                raise ValueError(
                    f"Layer {self.name!r} would give an output without elements: input shape {input_shape}, kernel_size "
                    f"{self.kernel_size}, strides {self.strides}, dilation_rate {self.dilation_rate}"
                )
        sizes[channel_axis(self.data_format, self.rank)] = channels
        return tuple(sizes)


class Conv(BaseConv):
    """`activation(convolution(inputs, kernel) + bias)` over the spatial axes.

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: a number, or one for each spatial axis.
        padding: "valid" or "same"; for sequences also "causal".
        data_format: "channels_last" or "channels_first"; that of the settings by default.
        groups: parts of the channels that are convolved apart.
        activation: a name or function; none by default.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: names or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: names or functions that give losses.
        kernel_constraint, bias_constraint: names or functions applied after an update.

    Raises:
        ValueError: an argument is none of its kind; the channels are not known or not a multiple of `groups`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        kind = type(self).__name__
        self.filters, self.groups = positive(kind, "filters", filters), positive(kind, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"The filters of {kind} must be a multiple of its groups, got {filters} and {groups}")
        self.set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.keep(
            kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint, bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        channels = self.known_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"The number of input channels of layer {self.name!r} must be a multiple of its groups, got "
                f"{channels} and {self.groups}"
            )
        self.compute_output_shape(input_shape)
        self.kernel = self.make_weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = self.make_weight("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        values, padding = self.padded(inputs)
        options = {"data_format": op_format(self.data_format, self.rank), "dilations": list(self.dilation_rate)}

        def convolved(x: Any, kernel: Any) -> Any:
            return _BUILDS[self.rank](x, kernel, list(self.strides), padding, **options)

        if self.groups == 1:
            return self.finished(convolved(values, self.kernel), self.bias, self.activation)
        axis = channel_axis(self.data_format, self.rank)
        parts = zip(split(values, self.groups, axis), split(self.kernel, self.groups, self.rank + 1), strict=True)
        return self.finished(concat([convolved(x, k) for x, k in parts], axis), self.bias, self.activation)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.shape_with(tuple(input_shape), self.filters)


@registered("layers", "Convolution1D")
class Conv1D(Conv):
    """A convolution of sequences [batch, steps, channels]; see Conv for the arguments."""

    rank = 1


@registered("layers", "Convolution2D")
class Conv2D(Conv):
    """A convolution of images [batch, height, width, channels]; see Conv for the arguments."""

    rank = 2


@registered("layers", "Convolution3D")
class Conv3D(Conv):
    """A convolution of volumes [batch, depth, height, width, channels]; see Conv for the arguments."""

    rank = 3


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
