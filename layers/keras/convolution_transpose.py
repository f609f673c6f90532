"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.ops.array import shape as shape_of
from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.nn_convolution import conv2d_transpose, conv3d_transpose
from ..convolutional import as_tuple
from . import activations
from .base import Shape
from .checks import positive
from .convolution import BaseConv
from .data_format import op_format, spatial_axes
from .serialization import registered

_BUILDS: dict[int, Callable[..., Any]] = {2: conv2d_transpose, 3: conv3d_transpose}


class ConvTranspose(BaseConv):
    """The transpose of a convolution: what its gradient does, as a layer. The kernel is [*sizes, filters, channels].

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: a number, or one for each spatial axis.
        padding: "valid" or "same".
        output_padding: how much longer the output is than the shortest one that fits; by default the one that a
            convolution of the padding would give the input from.
        data_format: "channels_last" or "channels_first"; that of the settings by default.
        activation, use_bias: as for Conv, as are the initializers, regularizers and constraints.

    Raises:
        ValueError: an argument is none of its kind, or `output_padding` is not below the strides.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.filters = positive(type(self).__name__, "filters", filters)
        self.set_windows(kernel_size, strides, padding, data_format, dilation_rate)
        if self.padding == "causal":
            raise ValueError(f"{type(self).__name__} has no padding 'causal': use 'valid' or 'same'")
        self.output_padding = _output_padding(self, output_padding)
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.keep(
            kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint, bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        channels = self.known_channels(input_shape)
        self.kernel = self.make_weight("kernel", (*self.kernel_size, self.filters, channels))
        self.bias = self.make_weight("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        sizes = self._wanted_sizes(inputs)
        build = self._of_lines if self.rank == 1 else self._of_images
        outputs = build(inputs, sizes)
        outputs.set_shape(self.compute_output_shape(inputs.sizes))
        return self.finished(outputs, self.bias, self.activation)

    def _of_images(self, inputs: Any, sizes: list[Any]) -> Any:
        return _BUILDS[self.rank](
            inputs, self.kernel, sizes, list(self.strides), self.padding.upper(),
            data_format=op_format(self.data_format, self.rank), dilations=list(self.dilation_rate),
        )  # fmt: skip

    def _of_lines(self, inputs: Any, sizes: list[Any]) -> Any:
        """A sequence is an image of height one."""
        axis = spatial_axes(self.data_format, 1)[0]
        result = conv2d_transpose(
            expand_dims(inputs, axis), expand_dims(self.kernel, 0), [*sizes[:axis], 1, *sizes[axis:]],
            [1, self.strides[0]], self.padding.upper(),
            data_format=op_format(self.data_format, 2), dilations=[1, self.dilation_rate[0]],
        )  # fmt: skip
        return squeeze(result, [axis])

    def _wanted_sizes(self, inputs: Any) -> list[Any]:
        known = list(self.compute_output_shape(inputs.sizes))
        if None not in known:
            return known
        sizes = shape_of(inputs)
        wanted: list[Any] = [sizes[0] if known[0] is None else known[0], *known[1:]]
        for place, axis in enumerate(spatial_axes(self.data_format, self.rank)):
            if known[axis] is None:
                wanted[axis] = self._longer(sizes[axis], place)
        return wanted

    def _longer(self, size: Any, place: int) -> Any:
        stride, extra = self.strides[place], None if self.output_padding is None else self.output_padding[place]
        reach = (self.kernel_size[place] - 1) * self.dilation_rate[place] + 1
        if extra is None:
            return size * stride + (max(reach - stride, 0) if self.padding == "valid" else 0)
        return (size - 1) * stride + reach + extra - (2 * (reach // 2) if self.padding == "same" else 0)

    def output_length(self, size: int | None, place: int) -> int | None:
        """The output's size along a spatial axis for the input's."""
        return None if size is None else int(self._longer(size, place))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.shape_with(tuple(input_shape), self.filters)


def _output_padding(layer: ConvTranspose, value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    extra = tuple(number - 1 for number in as_tuple(_plus_one(value), layer.rank, "output_padding"))
    if any(e >= s for e, s in zip(extra, layer.strides, strict=True)):
        raise ValueError(
            f"The strides {layer.strides} of layer {layer.name!r} must be above its output_padding {extra}"
        )
    return extra


def _plus_one(value: Any) -> Any:
    """Zero is allowed here, unlike among sizes."""
    return [number + 1 for number in value] if isinstance(value, list | tuple) else value + 1


@registered("layers", "Convolution1DTranspose")
class Conv1DTranspose(ConvTranspose):
    """The transpose of a convolution of sequences; see ConvTranspose for the arguments."""

    rank = 1


@registered("layers", "Convolution2DTranspose")
class Conv2DTranspose(ConvTranspose):
    """The transpose of a convolution of images; see ConvTranspose for the arguments."""

    rank = 2


@registered("layers", "Convolution3DTranspose")
class Conv3DTranspose(ConvTranspose):
    """The transpose of a convolution of volumes; see ConvTranspose for the arguments."""

    rank = 3


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
