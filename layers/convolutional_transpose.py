"""Transposed convolutions of images and volumes, as TensorFlow 1.15's `tf.layers.Conv2DTranspose`, `Conv3DTranspose`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import zeros_initializer
from ..engine.ops.array import shape
from ..engine.ops.nn_convolution import conv2d_transpose as nn_conv2d_transpose, conv3d_transpose as nn_conv3d_transpose
from ..engine.shapes import TensorShape
from .convolutional import Conv, Numbers
from .core import Function, functional_options

_BUILDS: dict[int, Callable[..., Tensor]] = {2: nn_conv2d_transpose, 3: nn_conv3d_transpose}


class ConvTranspose(Conv):
    """What the transposed convolutions share; the filters have shape [*kernel_size, filters, channels]."""

    def build(self, input_shape: TensorShape) -> None:
        channels = self.known_channels(input_shape)
        self.kernel = self.add_kernel("kernel", (*self.kernel_size, self.filters, channels))
        self.add_bias(self.filters or 0)

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        outputs = _BUILDS[self.rank](
            inputs,
            self.kernel,
            self._wanted_sizes(inputs),
            list(self.strides),
            self.padding.upper(),
            data_format=self.op_format,
        )
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self.finished(outputs)

    def _wanted_sizes(self, inputs: Tensor) -> list[Any]:
        known = self.compute_output_shape(inputs.shape).as_list()
        if None not in known:
            return known
        sizes = shape(inputs)
        first = 2 if self.channel_axis == 1 else 1
        wanted = [sizes[0] if known[0] is None else known[0], *known[1:]]
        for axis in range(self.rank):
            if known[first + axis] is None:
                wanted[first + axis] = self._longer(sizes[first + axis], axis)
        return wanted

    def _longer(self, size: Any, axis: int) -> Any:
        stride = self.strides[axis]
        return size * stride + (max(self.kernel_size[axis] - stride, 0) if self.padding == "valid" else 0)

    def output_length(self, size: int | None, axis: int) -> int | None:
        return None if size is None else int(self._longer(size, axis))


class Conv2DTranspose(ConvTranspose):
    """The transpose of a convolution of images, [batch, height, width, channels]; see Conv for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        activation: Function | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        kernel_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        kernel_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, 1, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


class Conv3DTranspose(ConvTranspose):
    """The transpose of a convolution of volumes, [batch, depth, height, width, channels]; see Conv for the arguments."""

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = (1, 1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        activation: Function | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        kernel_regularizer: Function | None = None,
        bias_regularizer: Function | None = None,
        activity_regularizer: Function | None = None,
        kernel_constraint: Function | None = None,
        bias_constraint: Function | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            3, filters, kernel_size, strides, padding, data_format, 1, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


def conv2d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
) -> Tensor:
    """A transposed convolution of images as a function; see Conv2DTranspose."""
    options = functional_options(locals())
    result: Tensor = Conv2DTranspose(**options)(inputs)
    return result


def conv3d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    activation: Function | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Function | None = None,
    bias_regularizer: Function | None = None,
    activity_regularizer: Function | None = None,
    kernel_constraint: Function | None = None,
    bias_constraint: Function | None = None,
    trainable: bool = True,
    name: Any = None,
    reuse: Any = None,
) -> Tensor:
    """A transposed convolution of volumes as a function; see Conv3DTranspose."""
    options = functional_options(locals())
    result: Tensor = Conv3DTranspose(**options)(inputs)
    return result
