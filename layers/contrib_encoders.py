"""Encoders of images and words to vectors, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32, int64
from ..engine.graph import Tensor, get_default_graph
from ..engine.initializers import constant_initializer
from ..engine.ops.array import reshape, shape
from ..engine.ops.array_order import transpose
from ..engine.ops.array_parts import concat
from ..engine.ops.casting import cast
from ..engine.ops.choice import where
from ..engine.ops.comparison import not_equal
from ..engine.ops.indexing import gather_nd
from ..engine.ops.nn_embedding import embedding_lookup, safe_embedding_lookup_sparse
from ..engine.ops.nn_losses import softmax
from ..engine.ops.ranges import linspace
from ..engine.ops.reduce import reduce_max, reduce_mean, reduce_sum
from ..engine.scopes import name_scope
from ..engine.tensor_types import SparseTensor
from ..engine.variable_scope import variable_scope
from .arg_scope import add_arg_scope
from .contrib_convolution import Function
from .contrib_variables import as_tensor_with_channels, collections_of, model_variable, variable


def dense_to_sparse(tensor: Any, eos_token: Any = 0, outputs_collections: Any = None, scope: str | None = None) -> Any:
    """The elements of a dense tensor that are not `eos_token`, as a SparseTensor."""
    with name_scope(scope, "dense_to_sparse"):
        dense = convert_to_tensor(tensor)
        found = where(not_equal(dense, convert_to_tensor(eos_token, dense.dtype.base_dtype)))
        outputs = SparseTensor(found, gather_nd(dense, found), cast(shape(dense), int64))
        if outputs_collections:
            get_default_graph().add_to_collections(outputs_collections, outputs)
        return outputs


@add_arg_scope
def bow_encoder(
    ids: Any,
    vocab_size: int,
    embed_dim: int,
    sparse_lookup: bool = True,
    initializer: Any = None,
    regularizer: Function | None = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """The mean [batch, embed_dim] of the embeddings of each example's words, the order of which does not count.

    Args:
        ids: [batch, length] integers, or such a SparseTensor.
        vocab_size: number of rows of the variable `embeddings`.
        embed_dim: size of a row.
        sparse_lookup: leave out ids of 0 (a dense tensor's), and give the row 0 where none is left.
        initializer: of the variable.
        regularizer: a function of the variable that gives a loss.
        trainable: whether it is trained.
        scope: "bow_encoder" by default.
        reuse: whether to use the variable that is there.

    Raises:
        TypeError: a SparseTensor without `sparse_lookup`.
    """
    with variable_scope(scope, "bow_encoder", reuse=reuse):
        table = model_variable(
            "embeddings", [vocab_size, embed_dim], float32, initializer, regularizer, trainable=trainable
        )
        if sparse_lookup:
            sparse = ids if isinstance(ids, SparseTensor) else dense_to_sparse(ids)
            return safe_embedding_lookup_sparse([table], sparse, combiner="mean", default_id=0)
        if isinstance(ids, SparseTensor):
            raise TypeError(f"ids are expected to be dense Tensor, got: {ids}")
        return reduce_mean(embedding_lookup(table, ids), 1)


@add_arg_scope
def spatial_softmax(
    features: Any,
    temperature: float | None = None,
    name: Any = None,
    variables_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
) -> Tensor:
    """Where each channel is large: the mean place under a softmax over the image (Finn and others 2015).

    Args:
        features: [batch, height, width, channels], or channels first for "NCHW".
        temperature: what the variable `temperature`, by which the features are divided, starts from; 1 by default.
        name: variable scope.
        variables_collections: collections for the variable, or a dictionary by its name.
        trainable: whether it is trained.
        data_format: "NHWC" or "NCHW".

    Returns:
        [batch, 2 * channels]: for each channel the place along the height and along the width, from -1 to 1.
    """
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format has to be either NCHW or NHWC, got {data_format!r}")
    with variable_scope(name, "spatial_softmax"):
        tensor, _, channels = as_tensor_with_channels(features, data_format)
        images = tensor if data_format == "NCHW" else transpose(tensor, [0, 3, 1, 2])
        heat = variable(
            "temperature",
            [],
            float32,
            constant_initializer(1.0 if temperature is None else temperature),
            trainable=trainable,
            collections=collections_of(variables_collections, "temperature") if trainable else None,
        )
        sizes = shape(images)
        share = reshape(softmax(reshape(images, [-1, sizes[2] * sizes[3]]) / heat), [-1, sizes[2], sizes[3]])
        down = reduce_sum(reduce_sum(share, 2) * linspace(-1.0, 1.0, sizes[2]), 1, keepdims=True)
        across = reduce_sum(reduce_sum(share, 1) * linspace(-1.0, 1.0, sizes[3]), 1, keepdims=True)
        return reshape(concat([down, across], 1), [-1, channels * 2])


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: str | None = None) -> Tensor:
    """The largest of each group of features along an axis, which gets the size `num_units`.

    Raises:
        ValueError: the number of features is unknown, or no multiple of `num_units`.
    """
    with name_scope(scope, "MaxOut"):
        tensor = convert_to_tensor(inputs)
        sizes = list(tensor.sizes or ())
        features = sizes[axis] if sizes else None
        if features is None or features % num_units:
            raise ValueError(f"number of features({features}) is not a multiple of num_units({num_units})")
        place = axis % len(sizes)
        known: list[Any] = [shape(tensor)[i] if size is None else size for i, size in enumerate(sizes)]
        grouped = reshape(tensor, [*known[:place], num_units, features // num_units, *known[place + 1 :]])
        return reduce_max(grouped, place + 1)
