"""`keras.backend`'s functions of tensors, as TensorFlow 1.15 has them, where its own functions are called otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, int64
from ...engine.graph import Operation, Tensor
from ...engine.ops.array import identity, reshape, shape as shape_of
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import concat
from ...engine.ops.array_sets import one_hot as op_one_hot, sequence_mask
from ...engine.ops.array_shape import expand_dims as op_expand_dims, squeeze as op_squeeze
from ...engine.ops.casting import cast
from ...engine.ops.choice import clip_by_value, where
from ...engine.ops.cond import smart_cond
from ...engine.ops.constant import placeholder as op_placeholder, sparse_placeholder
from ...engine.ops.control import group
from ...engine.ops.extrema import argmax as op_argmax, argmin as op_argmin
from ...engine.ops.indexing import gather_nd
from ...engine.ops.nn_ctc import ctc_loss
from ...engine.ops.nn_layers import dropout as nn_dropout
from ...engine.ops.nn_losses import sigmoid_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from ...engine.ops.products import matmul, tensordot
from ...engine.ops.random import random_normal as op_random_normal, random_uniform as op_random_uniform
from ...engine.ops.reduce import (
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
)
from ...engine.ops.unary import log, sqrt as op_sqrt
from ...engine.tensor_types import SparseTensor
from ...engine.variables import Variable
from . import activations, backend
from .images import repeated
from .loss_functions import categorical_crossentropy as categorical_loss
from .merging import Dot, spread_mask

Axis = int | Sequence[int] | None


# Variables, placeholders, sessions


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A variable with an initial value, which get_session initializes."""
    return Variable(convert_to_tensor(value, as_dtype(dtype or backend.floatx())), name=name, constraint=constraint)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones."""
    return variable(np.ones(shape), dtype, name)


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False, name: str | None = None
) -> Any:
    """A placeholder of a shape, or of a rank."""
    sizes = [None] * ndim if shape is None and ndim is not None else shape
    make = sparse_placeholder if sparse else op_placeholder
    return make(as_dtype(dtype or backend.floatx()), sizes, name=name)


def eval(x: Any) -> Any:
    """The value of a tensor or variable."""
    return backend.get_value(x)


def function(
    inputs: Any, outputs: Any, updates: Any = None, name: str | None = None
) -> Callable[[Sequence[Any]], list[Any]]:
    """A function of a list of values for placeholders that gives the values of tensors, and runs updates.

    Raises:
        TypeError: when called with anything but a list as long as the inputs.
    """
    del name
    keys, fetches = list(inputs), list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    steps = [u if isinstance(u, Tensor | Operation) else u[0].assign(u[1]) for u in updates or ()]

    def run(values: Sequence[Any]) -> list[Any]:
        if not isinstance(values, list | tuple) or len(values) != len(keys):
            raise TypeError(f"The function takes a list of {len(keys)} values, got {values!r}")
        feed = {key: value for key, value in zip(keys, values, strict=True) if isinstance(key, Tensor)}
        found = backend.get_session().run([*fetches, group(*steps)] if steps else fetches, feed)
        return list(found[: len(fetches)])

    return run


def update(x: Any, new_x: Any) -> Any:
    """The assignment of a new value to a variable."""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """The addition to a variable."""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """The subtraction from a variable."""
    return x.assign_sub(decrement)


# Shapes


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The static shape as a tuple, None for an unknown rank."""
    sizes = x.shape.sizes
    return None if sizes is None else tuple(sizes)


def ndim(x: Any) -> int | None:
    """The rank, None for an unknown one."""
    sizes = x.shape.sizes
    return None if sizes is None else len(sizes)


def dtype(x: Any) -> str:
    """The name of the dtype."""
    name: str = x.dtype.base_dtype.name
    return name


def flatten(x: Any) -> Tensor:
    """All elements as a vector."""
    return reshape(x, [-1])


def batch_flatten(x: Any) -> Tensor:
    """All axes but the first as one."""
    sizes = x.shape.sizes
    count = None if sizes is None or None in sizes[1:] else int(np.prod(sizes[1:]))
    return reshape(x, [shape_of(x)[0], -1] if count is None else [-1, count])


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """The tensor with a new axis of size one."""
    return op_expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """The tensor without an axis of size one."""
    return op_squeeze(x, [axis])


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return transpose(x, list(pattern))


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors one after the other along an axis."""
    return concat(list(tensors), axis)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each slice along an axis `rep` times."""
    return repeated(convert_to_tensor(x), rep, axis)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Vectors with a one at each index."""
    return op_one_hot(indices, num_classes)


# Reductions


def _numbers(x: Any) -> Tensor:
    """Bools as floats."""
    tensor = convert_to_tensor(x)
    return cast(tensor, backend.floatx()) if tensor.dtype.base_dtype.name == "bool" else tensor


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over axes."""
    return reduce_mean(_numbers(x), axis, keepdims)


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over axes."""
    return reduce_sum(x, axis, keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over axes."""
    return reduce_prod(x, axis, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest number over axes."""
    return reduce_max(x, axis, keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The least number over axes."""
    return reduce_min(x, axis, keepdims)


def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over axes."""
    return reduce_std(_numbers(x), axis, keepdims)


def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The variance over axes."""
    return reduce_variance(_numbers(x), axis, keepdims)


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether one element over axes is true."""
    return reduce_any(cast(x, "bool"), axis, keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over axes are true."""
    return reduce_all(cast(x, "bool"), axis, keepdims)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The logarithm of the sum of exponentials over axes."""
    return reduce_logsumexp(x, axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The place of the largest number along an axis."""
    return op_argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The place of the least number along an axis."""
    return op_argmin(x, axis)


# Products


def dot(x: Any, y: Any) -> Tensor:
    """Products summed over the last axis of `x` and the last but one of `y`."""
    first, second = convert_to_tensor(x), convert_to_tensor(y)
    ranks = [len(t.sizes or ()) for t in (first, second)]
    if ranks == [2, 2]:
        return matmul(first, second)
    return tensordot(first, second, [[ranks[0] - 1], [_larger(ranks[1] - 2, 0)]])


def _larger(first: int, second: int) -> int:
    """The larger of two numbers."""
    return first if first > second else second


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Products of each example, summed along an axis of each, by default the last of `x` and the last but one of `y`."""
    first, second = convert_to_tensor(x), convert_to_tensor(y)
    if axes is None:
        axes = (len(first.sizes or ()) - 1, _larger(len(second.sizes or ()) - 2, 1))
    return Dot(axes, dtype=first.dtype.base_dtype.name).call([first, second])


# Numbers


def sqrt(x: Any) -> Any:
    """The square root; of numbers below zero it is zero."""
    return op_sqrt(activations.relu(x))


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """The numbers within bounds; None for no bound."""
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else max_value
    return clip_by_value(x, low, high)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """As `keras.activations.relu`, by its old arguments."""
    return activations.relu(x, alpha, max_value, threshold)


def softmax(x: Any, axis: int = -1) -> Any:
    """Shares along an axis that sum to one."""
    return activations.softmax(x, axis)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Any:
    """The tensor with a share `level` of its elements dropped."""
    return nn_dropout(x, rate=level, noise_shape=noise_shape, seed=seed)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Normal numbers."""
    return op_random_normal(shape, mean, stddev, as_dtype(dtype or backend.floatx()), seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Uniform numbers."""
    return op_random_uniform(shape, minval, maxval, as_dtype(dtype or backend.floatx()), seed)


# Choices


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two tensors (or of what two functions give) by a bool, or element by element."""
    then, other = (e if callable(e) else (lambda e=e: e) for e in (then_expression, else_expression))
    if isinstance(condition, Tensor) and condition.sizes != ():
        first, second = convert_to_tensor(then()), convert_to_tensor(other())
        return where(spread_mask(cast(condition, "bool"), first), first, second)
    return smart_cond(condition, then, other)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` while training, else `alt`; each may be a function."""
    phase = backend.learning_phase() if training is None else training
    first, second = (e if callable(e) else (lambda e=e: identity(e)) for e in (x, alt))
    return smart_cond(phase, first, second)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` while training, else `x`; each may be a function."""
    return in_train_phase(alt, x, training)


# Losses, an element or an example each


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """The cross entropy of each element with a probability, or with a logit."""
    output = convert_to_tensor(output)
    target = cast(target, output.dtype.base_dtype)
    if from_logits:
        return sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    small = backend.epsilon()
    p = clip_by_value(output, small, 1.0 - small)
    result: Tensor = -(target * log(p + small) + (1.0 - target) * log(1.0 - p + small))
    return result


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross entropy of each example with shares, or with logits."""
    return categorical_loss(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """The cross entropy of each example's class with shares along the last axis, or with logits."""
    output = convert_to_tensor(output)
    small = backend.epsilon()
    logits = output if from_logits else log(clip_by_value(output, small, 1.0 - small))
    labels = cast(target, int64)
    if labels.sizes is not None and output.sizes is not None and len(labels.sizes) == len(output.sizes):
        labels = op_squeeze(labels, [-1])
    return sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


# Connectionist temporal classification


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> SparseTensor:
    """Labels [batch, most] as a SparseTensor of the first `label_lengths` of each row."""
    dense = convert_to_tensor(labels)
    places = cast(where(sequence_mask(label_lengths, shape_of(dense)[1])), int64)
    return SparseTensor(places, gather_nd(dense, places), cast(shape_of(dense), int64))


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Tensor:
    """The CTC loss of each example, [batch, 1].

    Args:
        y_true: labels [batch, most].
        y_pred: shares of the classes [batch, time, classes]; the last class is the blank.
        input_length, label_length: numbers of steps and of labels, [batch, 1].
    """
    labels = ctc_label_dense_to_sparse(cast(y_true, "int32"), op_squeeze(cast(label_length, "int32"), [-1]))
    logits = log(transpose(convert_to_tensor(y_pred), [1, 0, 2]) + backend.epsilon())
    return op_expand_dims(ctc_loss(labels, logits, op_squeeze(cast(input_length, "int32"), [-1])), 1)
