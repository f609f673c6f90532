"""Convolutions with normalizers and collections, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Tensor
from ..engine.initializers import xavier_initializer, zeros_initializer
from ..engine.ops.nn_activations import relu as relu_of
from ..engine.ops.nn_bias import bias_add
from ..engine.ops.nn_convolution import depthwise_conv2d
from ..engine.variable_scope import variable_scope
from .arg_scope import add_arg_scope
from .base import Layer
from .contrib_variables import (
    add_variable_to_collections,
    as_tensor_with_channels,
    collect_named_outputs,
    collections_of,
    model_variable,
    model_variable_getter,
)
from .convolutional import Conv1D, Conv2D, Conv3D
from .convolutional_separable import SeparableConv2D
from .convolutional_transpose import Conv2DTranspose, Conv3DTranspose

Function = Callable[..., Any]
_XAVIER = xavier_initializer()
_ZEROS = zeros_initializer()
_KINDS: dict[int, Any] = {1: Conv1D, 2: Conv2D, 3: Conv3D}
FORMATS = ("NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW")


def checked_format(data_format: str | None, *known: str) -> str:
    """A data format as layers call it; ValueError where it is none of `known`."""
    if data_format is not None and data_format not in known:
        raise ValueError(f"Invalid data_format: {data_format!r}, expected one of {', '.join(known)}")
    return "channels_first" if data_format is not None and data_format.startswith("NC") else "channels_last"


def finish(outputs: Tensor, normalizer_fn: Function | None, params: Any, activation_fn: Function | None) -> Tensor:
    """The outputs of a layer, normalized and activated."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(params or {}))
    return outputs if activation_fn is None else activation_fn(outputs)


def collect_variables(layer: Layer, collections: Any, weights: tuple[str, ...]) -> None:
    """Adds a layer's variables to the collections for "weights" and "biases"."""
    for attribute in weights:
        add_variable_to_collections(getattr(layer, attribute), collections, "weights")
    bias = getattr(layer, "bias", None)
    if bias is not None:
        add_variable_to_collections(bias, collections, "biases")


def _in_scope(scope: Any, default: str, reuse: Any, **renamed: str) -> variable_scope:
    getter = model_variable_getter({"bias": "biases", "kernel": "weights", **renamed})
    return variable_scope(scope, default, reuse=reuse, custom_getter=getter)


@add_arg_scope
def convolution(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    conv_dims: int | None = None,
) -> Tensor:
    """A convolution of sequences, images or volumes, as the rank of the inputs says.

    Args:
        inputs: [batch, *spatial, channels], or channels first as `data_format` says.
        num_outputs: number of output channels.
        kernel_size: an int, or one for each spatial dimension; also of `stride` and `rate`.
        stride: the steps.
        padding: "SAME" or "VALID".
        data_format: None for channels last, or one of "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW".
        rate: spacing of the filters' taps.
        activation_fn: a function of tensors, relu by default, None for none.
        normalizer_fn: a function of tensors in the place of the bias, such as `batch_norm`.
        normalizer_params: its arguments.
        weights_initializer: Xavier's by default.
        weights_regularizer: a function of weights that gives a loss.
        biases_initializer: zeros by default; None for no bias.
        biases_regularizer: a function of biases that gives a loss.
        reuse: whether to use the variables of `scope` that are there.
        variables_collections: collections for all variables, or a dictionary of those for "weights" and "biases".
        outputs_collections: collections for the result.
        trainable: whether the variables are trained.
        scope: of the variables `weights` and `biases`; "Conv" by default, made unique.
        conv_dims: the number of spatial dimensions that is expected.

    Raises:
        ValueError: the data format is not known, or the rank is another.
    """
    channels = checked_format(data_format, *FORMATS)
    with _in_scope(scope, "Conv", reuse) as opened:
        tensor = convert_to_tensor(inputs)
        dims = len(tensor.sizes or ()) - 2
        if dims not in _KINDS or conv_dims not in (None, dims):
            wanted = "a rank from 3 to 5" if conv_dims is None else f"rank {conv_dims + 2}"
            raise ValueError(f"Convolution expects input with {wanted}, got shape {tensor.shape}")
        layer = _KINDS[dims](
            num_outputs,
            kernel_size,
            stride,
            padding,
            channels,
            rate,
            use_bias=normalizer_fn is None and biases_initializer is not None,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            trainable=trainable,
            name=opened.name,
            dtype=tensor.dtype.base_dtype,
            _scope=opened,
            _reuse=reuse,
        )
        outputs = layer(tensor)
        collect_variables(layer, variables_collections, ("kernel",))
        outputs = finish(outputs, normalizer_fn, normalizer_params, activation_fn)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


@add_arg_scope
def convolution1d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution of sequences; see `convolution`."""
    return convolution(
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate,
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
        conv_dims=1,
    )  # fmt: skip


@add_arg_scope
def convolution2d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution of images; see `convolution`."""
    return convolution(
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate,
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
        conv_dims=2,
    )  # fmt: skip


@add_arg_scope
def convolution3d(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: Any = 1,
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A convolution of volumes; see `convolution`."""
    return convolution(
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate,
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
        conv_dims=3,
    )  # fmt: skip


@add_arg_scope
def convolution2d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """The transpose of a convolution of images, in the scope "Conv2d_transpose"; see `convolution`."""
    channels = checked_format(data_format, "NHWC", "NCHW")
    return _transposed(
        Conv2DTranspose, "Conv2d_transpose", channels, inputs, num_outputs, kernel_size, stride, padding,
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
    )  # fmt: skip


@add_arg_scope
def convolution3d_transpose(
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """The transpose of a convolution of volumes, in the scope "Conv3d_transpose"; see `convolution`."""
    channels = checked_format(data_format, "NDHWC", "NCDHW")
    return _transposed(
        Conv3DTranspose, "Conv3d_transpose", channels, inputs, num_outputs, kernel_size, stride, padding,
        activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
        biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
    )  # fmt: skip


def _transposed(
    kind: Any,
    default_scope: str,
    data_format: str,
    inputs: Any,
    num_outputs: int,
    kernel_size: Any,
    stride: Any,
    padding: str,
    activation_fn: Function | None,
    normalizer_fn: Function | None,
    normalizer_params: dict[str, Any] | None,
    weights_initializer: Any,
    weights_regularizer: Function | None,
    biases_initializer: Any,
    biases_regularizer: Function | None,
    reuse: Any,
    variables_collections: Any,
    outputs_collections: Any,
    trainable: bool,
    scope: Any,
) -> Tensor:
    with _in_scope(scope, default_scope, reuse) as opened:
        tensor = convert_to_tensor(inputs)
        layer = kind(
            num_outputs,
            kernel_size,
            stride,
            padding,
            data_format,
            use_bias=normalizer_fn is None and biases_initializer is not None,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            trainable=trainable,
            name=opened.name,
            dtype=tensor.dtype.base_dtype,
            _scope=opened,
            _reuse=reuse,
        )
        outputs = layer(tensor)
        collect_variables(layer, variables_collections, ("kernel",))
        outputs = finish(outputs, normalizer_fn, normalizer_params, activation_fn)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


@add_arg_scope
def separable_convolution2d(
    inputs: Any,
    num_outputs: int | None,
    kernel_size: Any,
    depth_multiplier: int = 1,
    stride: Any = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: Any = 1,
    activation_fn: Function | None = relu_of,
    normalizer_fn: Function | None = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = _XAVIER,
    pointwise_initializer: Any = None,
    weights_regularizer: Function | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """A depthwise convolution of images, then one of single pixels; see `convolution`.

    Variables are `depthwise_weights`, `pointwise_weights` and `biases` in the scope "SeparableConv2d".

    Args:
        num_outputs: number of output channels; None leaves out the second convolution.
        depth_multiplier: how many outputs the first convolution gives a channel.
        pointwise_initializer: by default `weights_initializer`.
    """
    channels = checked_format(data_format, "NHWC", "NCHW")
    renamed = {"depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"}
    use_bias = normalizer_fn is None and biases_initializer is not None
    with _in_scope(scope, "SeparableConv2d", reuse, **renamed) as opened:
        tensor = convert_to_tensor(inputs)
        if num_outputs is None:
            geometry = kernel_size, depth_multiplier, stride, padding, data_format, rate
            makers = weights_initializer, weights_regularizer, biases_initializer if use_bias else None
            outputs = _depthwise(tensor, geometry, makers, biases_regularizer, variables_collections, trainable)
        else:
            layer = SeparableConv2D(
                num_outputs,
                kernel_size,
                stride,
                padding,
                channels,
                rate,
                depth_multiplier,
                use_bias=use_bias,
                depthwise_initializer=weights_initializer,
                pointwise_initializer=pointwise_initializer or weights_initializer,
                bias_initializer=biases_initializer,
                depthwise_regularizer=weights_regularizer,
                pointwise_regularizer=weights_regularizer,
                bias_regularizer=biases_regularizer,
                trainable=trainable,
                name=opened.name,
                dtype=tensor.dtype.base_dtype,
                _scope=opened,
                _reuse=reuse,
            )
            outputs = layer(tensor)
            collect_variables(layer, variables_collections, ("depthwise_kernel", "pointwise_kernel"))
        outputs = finish(outputs, normalizer_fn, normalizer_params, activation_fn)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


def _depthwise(
    inputs: Tensor, geometry: tuple[Any, ...], makers: tuple[Any, ...], regularizer: Any, collections: Any, train: bool
) -> Tensor:
    kernel_size, multiplier, stride, padding, data_format, rate = geometry
    weights_initializer, weights_regularizer, biases_initializer = makers
    inputs, _, channels = as_tensor_with_channels(inputs, data_format)
    window = [kernel_size, kernel_size] if isinstance(kernel_size, int) else list(kernel_size)
    weights = model_variable(
        "depthwise_weights",
        [*window, channels, multiplier],
        inputs.dtype.base_dtype,
        weights_initializer,
        weights_regularizer,
        train,
        collections_of(collections, "weights"),
    )
    outputs = depthwise_conv2d(inputs, weights, stride, padding, rate=rate, data_format=data_format)
    if biases_initializer is None:
        return outputs
    biases = model_variable(
        "biases",
        [channels * multiplier],
        inputs.dtype.base_dtype,
        biases_initializer,
        regularizer,
        train,
        collections_of(collections, "biases"),
    )
    return bias_add(outputs, biases, data_format=data_format)


conv1d = convolution1d
conv2d = convolution2d
conv3d = convolution3d
conv2d_transpose = convolution2d_transpose
conv3d_transpose = convolution3d_transpose
separable_conv2d = separable_convolution2d
