"""Dense layers, dropout and what goes between layers, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import int64
from ..engine.graph import Tensor
from ..engine.initializers import xavier_initializer, zeros_initializer
from ..engine.ops.array import reshape, shape
from ..engine.ops.array_parts import concat
from ..engine.ops.array_sets import one_hot, unique
from ..engine.ops.casting import cast
from ..engine.ops.nn_activations import elu as elu_of, relu as relu_of, relu6 as relu6_of
from ..engine.ops.nn_bias import bias_add as nn_bias_add
from ..engine.ops.nn_embedding import embedding_lookup
from ..engine.ops.nn_losses import softmax as nn_softmax
from ..engine.ops.reduce import reduce_sum
from ..engine.ops.unary import sqrt, square
from ..engine.scopes import name_scope
from ..engine.variable_scope import variable_scope
from .arg_scope import add_arg_scope
from .contrib_convolution import Function, collect_variables, finish
from .contrib_variables import (
    as_tensor_with_channels,
    collect_named_outputs,
    collections_of,
    model_variable,
    model_variable_getter,
)
from .core import Dense, Dropout, flatten as layers_flatten

_XAVIER = xavier_initializer()
_ZEROS = zeros_initializer()


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
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
    """A dense layer over the last axis.

    Args:
        inputs: at least 2-D, with a known last size.
        num_outputs: size of the result's last axis.
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
        scope: of the variables `weights` and `biases`; "fully_connected" by default, made unique.

    Raises:
        ValueError: `num_outputs` is no integer, or the last size is unknown.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default():
        ...     y = tf.contrib.layers.fully_connected(tf.zeros([4, 3]), 2)
        ...     names = [v.name for v in tf.contrib.framework.get_model_variables()]
        >>> names
        ['fully_connected/weights:0', 'fully_connected/biases:0']
    """
    if not isinstance(num_outputs, int):
        raise ValueError(f"num_outputs type should be int, got {type(num_outputs).__name__}: {num_outputs!r}.")
    getter = model_variable_getter({"bias": "biases", "kernel": "weights"})
    with variable_scope(scope, "fully_connected", reuse=reuse, custom_getter=getter) as opened:
        tensor = convert_to_tensor(inputs)
        layer = Dense(
            num_outputs,
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


relu = functools.partial(fully_connected, activation_fn=relu_of)
relu6 = functools.partial(fully_connected, activation_fn=relu6_of)
elu = functools.partial(fully_connected, activation_fn=elu_of)
linear = functools.partial(fully_connected, activation_fn=None)


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: Any = None,
    seed: int | None = None,
) -> Tensor:
    """Keeps a random share `keep_prob` of the elements and scales them up, while training.

    Args:
        inputs: a tensor.
        keep_prob: a number in (0, 1] or a scalar tensor.
        noise_shape: shape of the mask, broadcast to that of `inputs`.
        is_training: a bool or a boolean tensor; otherwise the inputs come back.
        outputs_collections: collections for the result.
        scope: variable scope.
        seed: of the mask.
    """
    with variable_scope(scope, "Dropout", custom_getter=model_variable_getter({})) as opened:
        layer = Dropout(1 - keep_prob, noise_shape, seed, name=opened.name, _scope=opened)
        outputs = layer(inputs, training=is_training)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All axes but the first as one."""
    with name_scope(scope, "Flatten") as opened:
        return collect_named_outputs(outputs_collections, opened, layers_flatten(inputs))


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Function | None = None,
    initializer: Any = _ZEROS,
    regularizer: Function | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Adds a variable `biases`, one number a channel, in the scope "BiasAdd"."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format has to be either NCHW or NHWC, got {data_format!r}")
    with variable_scope(scope, "BiasAdd", reuse=reuse) as opened:
        tensor, _, channels = as_tensor_with_channels(inputs, data_format)
        biases = model_variable(
            "biases",
            [channels],
            tensor.dtype.base_dtype,
            initializer,
            regularizer,
            trainable,
            collections_of(variables_collections, "biases"),
        )
        outputs = nn_bias_add(tensor, biases, data_format=data_format)
        outputs = outputs if activation_fn is None else activation_fn(outputs)
        return collect_named_outputs(outputs_collections, opened.name, outputs)


@add_arg_scope
def one_hot_encoding(
    labels: Any,
    num_classes: int,
    on_value: Any = 1.0,
    off_value: Any = 0.0,
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Labels of any shape with an axis of `num_classes` places at the end, one of them `on_value`."""
    with name_scope(scope, "OneHotEncoding") as opened:
        indices = cast(convert_to_tensor(labels), int64)
        outputs = one_hot(indices, num_classes, on_value=on_value, off_value=off_value)
        return collect_named_outputs(outputs_collections, opened, outputs)


@add_arg_scope
def softmax(logits: Any, scope: str | None = None) -> Tensor:
    """Softmax over the last axis."""
    with name_scope(scope, "softmax"):
        return nn_softmax(convert_to_tensor(logits))


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: str | None = None) -> Tensor:
    """The inputs over their length along an axis; ValueError where that is none of theirs."""
    with name_scope(scope, "UnitNorm"):
        tensor = convert_to_tensor(inputs)
        rank = len(tensor.sizes or ())
        if not rank:
            raise ValueError("The input rank must be known.")
        if not 0 <= dim < rank:
            raise ValueError(f"dim must be positive but smaller than the input rank {rank}, got {dim}.")
        lengths: Tensor = sqrt(epsilon + reduce_sum(square(tensor), dim, keepdims=True))
        result: Tensor = tensor / lengths
        return result


def repeat(inputs: Any, repetitions: int, layer: Function, *args: Any, **kwargs: Any) -> Tensor:
    """A layer after itself `repetitions` times, each with variables of its own.

    Args:
        inputs: of the first layer.
        repetitions: how many layers.
        layer: a function with the arguments `inputs` and `scope`.
        args: its other positional arguments.
        kwargs: its keyword arguments; `scope` is the prefix of the layers' scopes, by default the layer's name.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat"):
        outputs: Tensor = convert_to_tensor(inputs)
        prefix = scope or _name_of(layer)
        for i in range(repetitions):
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{prefix}_{i + 1}"})
        return outputs


def _name_of(layer: Any) -> str:
    return str(getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", "repeat"))


def stack(inputs: Any, layer: Function, stack_args: Sequence[Any], **kwargs: Any) -> Tensor:
    """A layer after itself, once for each item of `stack_args`, its positional argument or a list of these.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default():
        ...     y = tf.contrib.layers.stack(tf.zeros([4, 3]), tf.contrib.layers.fully_connected, [8, 2], scope="fc")
        ...     names = [v.op.name for v in tf.trainable_variables()]
        >>> names
        ['fc/fc_1/weights', 'fc/fc_1/biases', 'fc/fc_2/weights', 'fc/fc_2/biases']
    """
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, list | tuple):
        raise ValueError("stack_args need to be a list or tuple")
    with variable_scope(scope, "Stack"):
        outputs: Tensor = convert_to_tensor(inputs)
        prefix = scope or _name_of(layer)
        for i, given in enumerate(stack_args):
            arguments = given if isinstance(given, list | tuple) else [given]
            outputs = layer(outputs, *arguments, **{**kwargs, "scope": f"{prefix}_{i + 1}"})
        return outputs


def embedding_lookup_unique(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None) -> Tensor:
    """`tf.nn.embedding_lookup` that looks each different id up once."""
    with name_scope(name, "EmbeddingLookupUnique"):
        wanted = convert_to_tensor(ids)
        flat, places = unique(reshape(wanted, [-1]))
        rows = embedding_lookup(params, flat, partition_strategy)
        found = embedding_lookup(rows, places)
        return reshape(found, concat([shape(wanted), shape(found)[1:]], 0))


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Function | None = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """Embeddings [batch, length, embed_dim] of ids [batch, length], rows of a variable `embeddings`.

    Args:
        ids: integers.
        vocab_size: number of rows.
        embed_dim: size of a row.
        unique: look each different id up once.
        initializer: of the variable.
        regularizer: a function of the variable that gives a loss.
        trainable: whether it is trained.
        scope: "EmbedSequence" by default.
        reuse: whether to use the variable that is there; sizes may then be left out.

    Raises:
        ValueError: a size is missing.
    """
    if not reuse and (vocab_size is None or embed_dim is None):
        raise ValueError(
            "Must specify vocab size and embedding dimension when not reusing. "
            f"Got vocab_size={vocab_size} and embed_dim={embed_dim}"
        )
    with variable_scope(scope, "EmbedSequence", reuse=reuse):
        sizes = None if vocab_size is None or embed_dim is None else [vocab_size, embed_dim]
        table = model_variable(
            "embeddings", sizes, initializer=initializer, regularizer=regularizer, trainable=trainable
        )
        return embedding_lookup_unique(table, ids) if unique else embedding_lookup(table, ids)
