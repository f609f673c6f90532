"""Normalizations with collections, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import bfloat16, float16, float32, float64
from ..engine.graph import Tensor, get_default_graph
from ..engine.initializers import ones_initializer, zeros_initializer
from ..engine.ops.array import identity, reshape
from ..engine.ops.array_shape import squeeze
from ..engine.ops.casting import cast
from ..engine.ops.cond import smart_cond, smart_constant_value
from ..engine.ops.nn_layer_norm import layer_normalization_op
from ..engine.ops.nn_moments import batch_normalization as nn_batch_normalization, moments, weighted_moments
from ..engine.scopes import GraphKeys, add_to_collections
from ..engine.training.moving_averages import assign_moving_average
from ..engine.variable_scope import variable_scope
from .arg_scope import add_arg_scope
from .contrib_convolution import Function
from .contrib_variables import (
    as_tensor_with_channels,
    collect_named_outputs,
    collections_of,
    model_variable,
)
from .normalization import fused_outputs

_MakeParameter = Callable[..., Any]


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: float = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Function | None = None,
    param_initializers: dict[str, Any] | None = None,
    param_regularizers: dict[str, Any] | None = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_decay: float = 0.99,
    adjustment: Any = None,
) -> Tensor:
    """Batch normalization, with the moments of the batch while training and moving averages otherwise.

    Args:
        inputs: [batch, ..., channels], or channels first as `data_format` says.
        decay: of the moving averages.
        center: whether there is a variable `beta`.
        scale: whether there is a variable `gamma`.
        epsilon: added to the variance.
        activation_fn: a function of tensors, None for none.
        param_initializers, param_regularizers: by the names beta, gamma, moving_mean, moving_variance.
        updates_collections: collections for the operations that move the averages, which training must run; None: the
            result depends on them.
        is_training: a bool or a boolean tensor.
        reuse: whether to use the variables of `scope` that are there.
        variables_collections: collections for all variables, or a dictionary by the variables' names.
        outputs_collections: collections for the result.
        trainable: whether beta and gamma are trained.
        batch_weights: [batch], weights of the examples in the moments.
        fused: one operation for inputs of rank 2 or 4, which keeps the variance of a sample; so by default.
        data_format: "NHWC" or "NCHW".
        zero_debias_moving_mean: correct the moving mean for its start at zero.
        scope: of the variables; "BatchNorm" by default, made unique.

    Raises:
        ValueError: the data format is not known, the number of channels is not, or one of `renorm`, `renorm_clipping`
            and `adjustment` is given, which this library does not have.
    """
    del renorm_decay
    for option, given in {"renorm": renorm, "renorm_clipping": renorm_clipping, "adjustment": adjustment}.items():
        if given:
            raise ValueError(f"batch_norm has no `{option}` here, got {given!r}: leave it out")
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format has to be either NCHW or NHWC, got {data_format!r}")
    with variable_scope(scope, "BatchNorm", reuse=reuse) as opened:
        tensor, axis, channels = as_tensor_with_channels(inputs, data_format)
        make = _maker(tensor, [channels], param_initializers, param_regularizers, variables_collections)
        beta = make("beta", zeros_initializer, trainable) if center else None
        gamma = make("gamma", ones_initializer, trainable) if scale else None
        moving = make("moving_mean", zeros_initializer, False), make("moving_variance", ones_initializer, False)
        fuses = fused is not False and batch_weights is None and len(tensor.sizes or ()) in (2, 4)
        if fuses:
            outputs, mean, variance = _fused(tensor, (gamma, beta, *moving), epsilon, axis, is_training)
        else:
            mean, variance = _moments(tensor, axis, batch_weights, moving, is_training)
            outputs = _normalized(tensor, (mean, variance, beta, gamma), epsilon, axis)
        outputs = _with_updates(
            outputs, moving, (mean, variance), decay, updates_collections, is_training, zero_debias_moving_mean
        )
        outputs.set_shape(tensor.shape)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


def _maker(tensor: Tensor, shape: list[int], initializers: Any, regularizers: Any, collections: Any) -> _MakeParameter:
    dtype = tensor.dtype.base_dtype
    dtype = float32 if dtype in (float16, bfloat16) else dtype

    def make(name: str, initializer: Any, trainable: bool) -> Any:
        return model_variable(
            name,
            shape,
            dtype,
            (initializers or {}).get(name, initializer()),
            (regularizers or {}).get(name),
            trainable,
            collections_of(collections, name),
        )

    return make


def _fused(
    inputs: Tensor, variables: tuple[Any, Any, Any, Any], epsilon: float, axis: int, training: Any
) -> tuple[Tensor, Tensor, Tensor]:
    if len(inputs.sizes or ()) == 4:
        return fused_outputs(inputs, variables, epsilon, "NCHW" if axis == 1 else "NHWC", training)
    # Rows are images of one pixel.
    images = reshape(inputs, [-1, 1, 1, (inputs.sizes or (1,))[-1] or 1])
    outputs, mean, variance = fused_outputs(images, variables, epsilon, "NHWC", training)
    return squeeze(outputs, [1, 2]), mean, variance


def _moments(inputs: Tensor, axis: int, weights: Any, moving: tuple[Any, Any], training: Any) -> tuple[Tensor, Tensor]:
    rank = len(inputs.sizes or ())
    axes = [a for a in range(rank) if a != axis]

    def of_batch() -> tuple[Tensor, Tensor]:
        x = cast(inputs, moving[0].dtype.base_dtype)
        if weights is None:
            return moments(x, axes)
        spread = reshape(cast(convert_to_tensor(weights), x.dtype.base_dtype), [-1, *[1] * (rank - 1)])
        return weighted_moments(x, axes, spread)

    result: tuple[Tensor, Tensor] = smart_cond(
        training, of_batch, lambda: (convert_to_tensor(moving[0]), convert_to_tensor(moving[1]))
    )
    return result


def _normalized(inputs: Tensor, values: tuple[Any, Any, Any, Any], epsilon: float, axis: int) -> Tensor:
    rank = len(inputs.sizes or ())
    shape = [-1 if a == axis else 1 for a in range(rank)]

    def like_inputs(value: Any) -> Any:
        if value is None:
            return None
        value = value if axis == rank - 1 else reshape(value, shape)
        return cast(convert_to_tensor(value), inputs.dtype.base_dtype)

    mean, variance, beta, gamma = (like_inputs(v) for v in values)
    return nn_batch_normalization(inputs, mean, variance, beta, gamma, epsilon)


def _with_updates(
    outputs: Tensor,
    moving: tuple[Any, Any],
    values: tuple[Tensor, Tensor],
    decay: float,
    collections: Any,
    training: Any,
    zero_debias: bool,
) -> Tensor:
    if smart_constant_value(training) is False:
        return outputs
    if smart_constant_value(training) is None:
        decay = smart_cond(training, lambda: convert_to_tensor(decay), lambda: convert_to_tensor(1.0))
    updates = [
        assign_moving_average(variable, value, decay, zero_debias=zero_debias and variable is moving[0])
        for variable, value in zip(moving, values, strict=True)
    ]
    if collections is not None:
        for update in updates:
            add_to_collections(collections, update)
        return outputs
    with get_default_graph().control_dependencies(updates):
        return identity(outputs)


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Tensor:
    """Each example less its mean, over its deviation, times `gamma` plus `beta`.

    Args:
        inputs: of known rank.
        center: whether there is a variable `beta`.
        scale: whether there is a variable `gamma`.
        activation_fn: a function of tensors, None for none.
        reuse: whether to use the variables of `scope` that are there.
        variables_collections: collections for all variables, or a dictionary by their names.
        outputs_collections: collections for the result.
        trainable: whether the variables are trained.
        begin_norm_axis: mean and deviation are over this axis and those after it.
        begin_params_axis: the variables have the sizes from this axis on.
        scope: "LayerNorm" by default, made unique.

    Raises:
        ValueError: the rank is unknown, an axis is none of its, or the sizes of the variables are unknown.
    """
    with variable_scope(scope, "LayerNorm", reuse=reuse) as opened:
        tensor = convert_to_tensor(inputs)
        if tensor.sizes is None:
            raise ValueError(f"Inputs {tensor.name} has undefined rank.")
        rank = len(tensor.sizes)
        if not -rank <= begin_params_axis < rank or not -rank <= begin_norm_axis < rank:
            raise ValueError(
                f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({begin_norm_axis}) must be < "
                f"rank(inputs) ({rank})"
            )
        sizes = tensor.sizes[begin_params_axis:]
        if None in sizes:
            raise ValueError(f"Inputs {tensor.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {sizes}")
        make = _maker(tensor, [s or 0 for s in sizes], None, None, variables_collections)
        beta = make("beta", zeros_initializer, trainable) if center else None
        gamma = make("gamma", ones_initializer, trainable) if scale else None
        axes = list(range(begin_norm_axis % rank, rank))
        beta, gamma = (v if v is None else cast(convert_to_tensor(v), tensor.dtype.base_dtype) for v in (beta, gamma))
        outputs = _normalized_examples(tensor, axes, gamma, beta, len(sizes))
        outputs.set_shape(tensor.shape)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


def _normalized_examples(tensor: Tensor, axes: list[int], gamma: Any, beta: Any, rank: int) -> Tensor:
    dtype = tensor.dtype.base_dtype
    if len(axes) == rank == 1 and dtype in (float32, float64) and gamma is not None and beta is not None:
        return layer_normalization_op(tensor, gamma, beta, epsilon=1e-12)[0]
    mean, variance = moments(tensor, axes, keep_dims=True)
    return nn_batch_normalization(tensor, mean, variance, beta, gamma, 1e-3 if dtype == float16 else 1e-12)


@add_arg_scope
def instance_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Function | None = None,
    param_initializers: dict[str, Any] | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Each channel of each example less its mean, over its deviation, times `gamma` plus `beta`.

    Args:
        inputs: [batch, ..., channels], or channels first as `data_format` says.
        epsilon: added to the variance.
        scope: "InstanceNorm" by default, made unique.

    The other arguments are those of `batch_norm`.
    """
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format has to be either NCHW or NHWC, got {data_format!r}")
    with variable_scope(scope, "InstanceNorm", reuse=reuse) as opened:
        tensor, axis, channels = as_tensor_with_channels(inputs, data_format)
        make = _maker(tensor, [channels], param_initializers, None, variables_collections)
        beta = make("beta", zeros_initializer, trainable) if center else None
        gamma = make("gamma", ones_initializer, trainable) if scale else None
        rank = len(tensor.sizes or ())
        mean, variance = moments(tensor, [a for a in range(1, rank) if a != axis], keep_dims=True)
        shape = [-1 if a == axis else 1 for a in range(rank)]
        beta, gamma = (v if v is None else cast(reshape(v, shape), tensor.dtype.base_dtype) for v in (beta, gamma))
        outputs = nn_batch_normalization(tensor, mean, variance, beta, gamma, epsilon)
        outputs.set_shape(tensor.shape)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, opened.name, outputs)
