"""Regularizers, functions of weights that give losses, as TensorFlow 1.15's `tf.contrib.layers`."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.binary import multiply
from ..engine.ops.constant import constant
from ..engine.ops.elementwise_nary import add_n
from ..engine.ops.nn_bias import l2_loss
from ..engine.ops.reduce import reduce_sum
from ..engine.ops.unary import abs as abs_of
from ..engine.scopes import GraphKeys, add_to_collection, get_collection, name_scope

Regularizer = Callable[[Any], Tensor | None]


def l1_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """A function of weights: `scale` times the sum of their sizes; None where the scale is 0.0.

    Raises:
        ValueError: the scale is an integer, or negative.
    """
    return _scaled(scale, scope, "l1_regularizer", lambda weights: reduce_sum(abs_of(weights)))


def l2_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """A function of weights: `scale` times half the sum of their squares; None where the scale is 0.0.

    Raises:
        ValueError: the scale is an integer, or negative.
    """
    return _scaled(scale, scope, "l2_regularizer", l2_loss)


def _scaled(scale: Any, scope: str | None, kind: str, norm: Callable[[Any], Tensor]) -> Regularizer:
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real):
        if scale < 0.0:
            raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale:g}")
        if scale == 0.0:
            return lambda _: None

    def regularizer(weights: Any) -> Tensor:
        with name_scope(scope, kind) as name:
            tensor = convert_to_tensor(weights)
            factor = convert_to_tensor(scale, tensor.dtype.base_dtype, "scale")
            result: Tensor = multiply(factor, norm(tensor), name=name)
            return result

    return regularizer


def l1_l2_regularizer(scale_l1: Any = 1.0, scale_l2: Any = 1.0, scope: str | None = None) -> Regularizer | None:
    """The sum of `l1_regularizer` and `l2_regularizer`."""
    scope = scope or "l1_l2_regularizer"
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope)


def sum_regularizer(regularizer_list: Sequence[Any], scope: str | None = None) -> Regularizer | None:
    """A function of weights that adds up what others give; None without any."""
    regularizers = [r for r in regularizer_list if r is not None]
    if not regularizers:
        return None

    def total(weights: Any) -> Tensor | None:
        with name_scope(scope, "sum_regularizer") as name:
            losses = [loss for r in regularizers if (loss := r(weights)) is not None]
            return add_n(losses, name=name) if losses else None

    return total


def apply_regularization(regularizer: Any, weights_list: Sequence[Any] | None = None) -> Tensor:
    """The sum of a regularizer's losses over weights, which also goes to REGULARIZATION_LOSSES.

    Args:
        regularizer: a function of one tensor that gives a scalar or None.
        weights_list: by default the collection WEIGHTS.

    Raises:
        ValueError: there are no weights, or a loss is no scalar.
    """
    weights = list(weights_list or get_collection(GraphKeys.WEIGHTS))
    if not weights:
        raise ValueError("No weights to regularize.")
    with get_default_graph().name_scope("get_regularization_penalty") as scope:
        losses = [constant(0.0) if (loss := regularizer(w)) is None else loss for w in weights]
        wrong = [loss for loss in losses if loss.sizes != ()]
        if wrong:
            raise ValueError(f"regularizer must return a scalar Tensor instead of a Tensor with shape {wrong[0].shape}")
        total = add_n(losses, name=scope)
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
        return total
