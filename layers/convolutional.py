"""Convolutions of sequences, images and volumes, as TensorFlow 1.15's `tf.layers.Conv1D`, `Conv2D` and `Conv3D`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import zeros_initializer
from ..engine.ops.array_pad import pad
from ..engine.ops.nn_bias import bias_add
from ..engine.ops.nn_convolution import conv1d as nn_conv1d, conv2d as nn_conv2d, conv3d as nn_conv3d
from ..engine.shapes import TensorShape
from .base import Layer
from .core import Function, as_initializer, functional_options
from .input_spec import InputSpec

Numbers = int | Sequence[int]
FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}
_BUILDS: dict[int, Callable[..., Tensor]] = {1: nn_conv1d, 2: nn_conv2d, 3: nn_conv3d}


def as_tuple(value: Any, count: int, name: str) -> tuple[int, ...]:
    """A number for each spatial dimension, from one number or from `count` of them; ValueError for anything else."""
    try:
        numbers = tuple(map(index, value)) if isinstance(value, Sequence) else (index(value),) * count
    except TypeError:
        numbers = ()
    if len(numbers) != count:
        raise ValueError(f"The `{name}` argument must be an integer or a tuple of {count} integers, got {value!r}")
    if min(numbers) < 1:
        raise ValueError(f"The `{name}` argument must be positive, got {value!r}")
    return numbers


def as_data_format(data_format: Any) -> str:
    """`channels_first` or `channels_last`, whatever the case."""
    text = str(data_format).lower()
    if text not in ("channels_first", "channels_last"):
        raise ValueError(
            f"The `data_format` argument must be one of 'channels_first', 'channels_last'. Received: {data_format!r}"
        )
    return text


def as_padding(padding: Any, causal: bool = False) -> str:
    """`valid` or `same` (or `causal` where that makes sense), whatever the case."""
    known = ("valid", "same", "causal") if causal else ("valid", "same")
    text = str(padding).lower()
    if text not in known:
        raise ValueError(f"The `padding` argument must be one of {', '.join(map(repr, known))}. Received: {padding!r}")
    return text


def window_length(size: int | None, window: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """How many places a window has along an axis; None for an unknown size."""
    if size is None:
        return None
    reach = window + (window - 1) * (dilation - 1)
    return -(-(size - reach + 1) // stride) if padding == "valid" else -(-size // stride)


class Conv(Layer):
    """What the convolutions share: `activation(convolution(inputs, kernel) + bias)` over `rank` spatial dimensions.

    Args:
        rank: number of spatial dimensions, 1 to 3.
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an int, or one for each spatial dimension.
        padding: "valid" or "same"; for sequences also "causal".
        data_format: "channels_last" or "channels_first".
        activation: a function of tensors, None for none.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: Glorot's uniform distribution and zeros by default.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions of tensors that give losses.
        kernel_constraint, bias_constraint: functions applied to variables after an update.
        trainable, name: as for every layer.

    Raises:
        ValueError: an argument is none of these, strides and dilations are both more than one, the input's rank is
            another, or its number of channels is unknown.
    """

    def __init__(
        self,
        rank: int,
        filters: int | None,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = 1,
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
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.rank = rank
        self.filters = None if filters is None else int(filters)
        self.kernel_size = as_tuple(kernel_size, rank, "kernel_size")
        self.strides = as_tuple(strides, rank, "strides")
        self.padding = as_padding(padding, causal=rank == 1)
        self.data_format = as_data_format(data_format)
        self.dilation_rate = as_tuple(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError("`strides > 1` not supported in conjunction with `dilation_rate > 1`")
        self.activation, self.use_bias = activation, use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = as_initializer(bias_initializer)
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.bias: Any = None
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def channel_axis(self) -> int:
        """Where the channels are."""
        return 1 if self.data_format == "channels_first" else self.rank + 1

    @property
    def op_format(self) -> str:
        """The data format as the operations call it."""
        return FORMATS[self.rank][self.data_format == "channels_first"]

    def build(self, input_shape: TensorShape) -> None:
        channels = self.known_channels(input_shape)
        self.kernel = self.add_kernel("kernel", (*self.kernel_size, channels, self.filters))
        self.add_bias(self.filters or 0)

    def known_channels(self, input_shape: TensorShape) -> int:
        """The number of the input's channels, from now on asked of each input."""
        sizes = input_shape.sizes
        channels = None if sizes is None else sizes[self.channel_axis]
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})
        return channels

    def add_kernel(self, name: str, shape: tuple[int | None, ...]) -> Any:
        """The variable of the filters."""
        return self.add_weight(
            name,
            shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def add_bias(self, size: int) -> None:
        """The variable of the bias, if there is one."""
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                (size,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Tensor, **kwargs: Any) -> Tensor:
        padding = self.padding
        if padding == "causal":
            inputs, padding = self._padded_before(inputs), "valid"
        outputs = _BUILDS[self.rank](
            inputs,
            self.kernel,
            list(self.strides),
            padding.upper(),
            data_format=self.op_format,
            dilations=list(self.dilation_rate),
        )
        return self.finished(outputs)

    def _padded_before(self, inputs: Tensor) -> Tensor:
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        pads = [[0, 0], [before, 0]]
        pads.insert(2 if self.channel_axis == 2 else 1, [0, 0])
        return pad(inputs, pads)

    def finished(self, outputs: Tensor) -> Tensor:
        """The outputs of a convolution with bias and activation."""
        if self.bias is not None:
            outputs = bias_add(outputs, self.bias, data_format=self.op_format)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        first = 2 if self.channel_axis == 1 else 1
        spatial = [self.output_length(sizes[first + i], i) for i in range(self.rank)]
        return self.shape_of(sizes[0], spatial, self.filters)

    def output_length(self, size: int | None, axis: int) -> int | None:
        """The output's size along a spatial axis for the input's."""
        return window_length(size, self.kernel_size[axis], self.padding, self.strides[axis], self.dilation_rate[axis])

    def shape_of(self, batch: int | None, spatial: list[int | None], channels: int | None) -> TensorShape:
        """A shape in the layer's data format."""
        return TensorShape([batch, channels, *spatial] if self.channel_axis == 1 else [batch, *spatial, channels])


class Conv1D(Conv):
    """A convolution of sequences; see Conv for the arguments.

    Inputs are [batch, width, channels].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = 1,
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
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


class Conv2D(Conv):
    """A convolution of images; see Conv for the arguments.

    Inputs are [batch, height, width, channels].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = (1, 1),
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
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


class Conv3D(Conv):
    """A convolution of volumes; see Conv for the arguments.

    Inputs are [batch, depth, height, width, channels].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Numbers,
        strides: Numbers = (1, 1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Numbers = (1, 1, 1),
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
            3, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, trainable, name, **kwargs,
        )  # fmt: skip


def conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Numbers = 1,
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
    """A convolution of sequences, [batch, width, channels], as a function; see Conv1D.

    Variables are called `{name}/kernel` and `{name}/bias`; `reuse` takes those of a layer of the same name.
    """
    options = functional_options(locals())
    result: Tensor = Conv1D(**options)(inputs)
    return result


def conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Numbers = (1, 1),
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
    """A convolution of images, [batch, height, width, channels], as a function; see Conv2D.

    Variables are called `{name}/kernel` and `{name}/bias`; `reuse` takes those of a layer of the same name.
    """
    options = functional_options(locals())
    result: Tensor = Conv2D(**options)(inputs)
    return result


def conv3d(
    inputs: Any,
    filters: int,
    kernel_size: Numbers,
    strides: Numbers = (1, 1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Numbers = (1, 1, 1),
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
    """A convolution of volumes, [batch, depth, height, width, channels], as a function; see Conv3D.

    Variables are called `{name}/kernel` and `{name}/bias`; `reuse` takes those of a layer of the same name.
    """
    options = functional_options(locals())
    result: Tensor = Conv3D(**options)(inputs)
    return result
