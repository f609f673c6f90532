"""Summaries of tensors, activations and whole collections, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from ..engine.dtypes import float32
from ..engine.graph import Tensor
from ..engine.ops.casting import cast
from ..engine.ops.comparison import greater, less
from ..engine.ops.reduce import reduce_mean
from ..engine.ops.summaries import histogram, scalar
from ..engine.scopes import GraphKeys, get_collection

Summarizer = Callable[[Any], Tensor]


def summarize_tensor(tensor: Any, tag: str | None = None) -> Tensor:
    """A scalar's summary, or a histogram of a larger tensor, under `tag` or the operation's name."""
    label = tag or tensor.op.name
    return scalar(label, tensor) if tensor.shape.ndims == 0 else histogram(label, tensor)


def summarize_activation(op: Any) -> Tensor:
    """A histogram of a layer's result; of rectified units also the share of zeros (and of sixes)."""
    kind, name = op.op.type, op.op.name
    if kind in ("Relu", "Softplus", "Relu6"):
        scalar(f"{name}/zeros", reduce_mean(cast(less(op.op.inputs[0], 0.0), float32)))
    if kind == "Relu6":
        scalar(f"{name}/sixes", reduce_mean(cast(greater(op.op.inputs[0], 6.0), float32)))
    return histogram(f"{name}/activation", op)


def summarize_tensors(tensors: Iterable[Any], summarizer: Summarizer = summarize_tensor) -> list[Tensor]:
    """The summaries of several tensors."""
    return [summarizer(tensor) for tensor in tensors]


def summarize_collection(
    collection: str, name_filter: str | None = None, summarizer: Summarizer = summarize_tensor
) -> list[Tensor]:
    """The summaries of a collection's tensors whose operations' names fit the pattern `name_filter`."""
    found = [t for t in get_collection(collection) if name_filter is None or re.match(name_filter, t.op.name)]
    return summarize_tensors(found, summarizer)


summarize_variables = functools.partial(summarize_collection, GraphKeys.GLOBAL_VARIABLES)
summarize_weights = functools.partial(summarize_collection, GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, GraphKeys.BIASES)


def summarize_activations(
    name_filter: str | None = None, summarizer: Summarizer = summarize_activation
) -> list[Tensor]:
    """The summaries of the collection ACTIVATIONS."""
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)
