"""Weights of losses and metrics: which shapes go with which values, and how the shapes of the others are made to fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Operation, Tensor
from ..engine.ops.array import shape
from ..engine.ops.array_parts import ones_like
from ..engine.ops.array_shape import expand_dims, rank, squeeze
from ..engine.ops.casting import cast
from ..engine.ops.checking import Assert
from ..engine.ops.comparison import equal, logical_and, logical_or
from ..engine.ops.cond import cond
from ..engine.ops.control import no_op, with_dependencies
from ..engine.ops.reduce import reduce_all

_REFUSED = "weights can not be broadcast to values."


def rank_of(tensor: Tensor) -> int | None:
    """The static rank, None if it is not known."""
    return None if tensor.sizes is None else len(tensor.sizes)


def assert_broadcastable(weights: Any, values: Any) -> Operation:
    """An operation that fails unless `weights` is a scalar, or has the rank of `values` and sizes that are equal or 1.

    Raises:
        ValueError: the shapes are known and do not fit.
    """
    weight, value = convert_to_tensor(weights, name="weights"), convert_to_tensor(values, name="values")
    own, wanted = weight.sizes, value.sizes
    if own == ():
        return no_op(name="static_scalar_check_success")
    if own is None or wanted is None:
        return _checked_when_run(weight, value)
    if len(own) != len(wanted):
        raise ValueError(
            f"{_REFUSED} values.rank={len(wanted)}. weights.rank={len(own)}. "
            f"values.shape={value.shape}. weights.shape={weight.shape}."
        )
    for i, (mine, theirs) in enumerate(zip(own, wanted, strict=True)):
        if mine not in (None, 1) and theirs is not None and mine != theirs:
            raise ValueError(
                f"{_REFUSED} Mismatch at dim {i}. values.shape={value.shape}. weights.shape={weight.shape}."
            )
    if None in own or None in wanted:
        return _checked_when_run(weight, value)
    return no_op(name="static_dims_check_success")


def _checked_when_run(weight: Tensor, value: Tensor) -> Operation:
    def sizes_fit() -> Tensor:
        own = shape(weight)
        return reduce_all(logical_or(equal(own, 1), equal(own, shape(value))))

    if rank_of(weight) is not None and rank_of(weight) == rank_of(value):
        fits = sizes_fit()
    else:
        is_scalar, same_rank = equal(rank(weight), 0), equal(rank(weight), rank(value))
        fits = logical_or(is_scalar, cond(logical_and(same_rank, True), sizes_fit, lambda: same_rank))
    return Assert(fits, [_REFUSED, "weights.shape=", shape(weight), "values.shape=", shape(value)])


def broadcast_weights(weights: Any, values: Any) -> Tensor:
    """The weights repeated to the shape of `values`, in their dtype.

    Raises:
        ValueError, InvalidArgumentError: see assert_broadcastable.
    """
    value = convert_to_tensor(values)
    weight: Tensor = cast(convert_to_tensor(weights), value.dtype.base_dtype)
    if weight.sizes is not None and weight.sizes == value.sizes and None not in weight.sizes:
        return weight
    spread: Tensor = with_dependencies([assert_broadcastable(weight, value)], weight * ones_like(value))
    return spread


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_difference: int = 0
) -> tuple[Tensor, Tensor]:
    """Labels and predictions, one of them without a last dimension of 1 where that makes their ranks fit.

    Args:
        labels: any tensor.
        predictions: any tensor.
        expected_rank_difference: rank of the predictions less that of the labels.
    """
    truth, guesses = convert_to_tensor(labels), convert_to_tensor(predictions)
    own, wanted = rank_of(guesses), rank_of(truth)
    if own is not None and wanted is not None:
        excess = own - wanted - expected_rank_difference
        return (
            squeeze(truth, [-1]) if excess == -1 and _may_be_one(truth) else truth,
            squeeze(guesses, [-1]) if excess == 1 and _may_be_one(guesses) else guesses,
        )
    difference = rank(guesses) - rank(truth) - expected_rank_difference
    return _squeezed_if(equal(difference, -1), truth), _squeezed_if(equal(difference, 1), guesses)


def _may_be_one(tensor: Tensor) -> bool:
    return tensor.sizes is None or (len(tensor.sizes) > 0 and tensor.sizes[-1] in (None, 1))


def _squeezed_if(condition: Tensor, tensor: Tensor) -> Tensor:
    return _chosen(condition, lambda: squeeze(tensor, [-1]), tensor) if _may_be_one(tensor) else tensor


def _chosen(condition: Tensor, changed: Callable[[], Tensor], tensor: Tensor) -> Tensor:
    chosen: Tensor = cond(condition, changed, lambda: tensor)
    return chosen


def aligned_weights(weights: Any, values: Tensor) -> Tensor:
    """Float32 weights with the rank of `values`, where a last dimension of 1 makes the difference."""
    weight: Tensor = cast(convert_to_tensor(weights), float32)
    own, wanted = rank_of(weight), rank_of(values)
    if own == 0:
        return weight
    if own is not None and wanted is not None:
        if own - wanted == 1:
            return squeeze(weight, [-1])
        return expand_dims(weight, -1) if wanted - own == 1 else weight
    excess = rank(weight) - rank(values)
    not_scalar = equal(rank(weight), 0) if own is None else convert_to_tensor(False)
    grown = _chosen(logical_and(equal(excess, -1), _not(not_scalar)), lambda: expand_dims(weight, -1), weight)
    return _squeezed_if(equal(excess, 1), grown)


def _not(condition: Tensor) -> Tensor:
    return equal(condition, False)


def fitted(labels: Any, predictions: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """Labels, predictions and weights of one rank, where last dimensions of 1 make the difference.

    Raises:
        ValueError: the shapes of labels and predictions do not fit.
    """
    truth, guesses = remove_squeezable_dimensions(labels, predictions)
    guesses.shape.assert_is_compatible_with(truth.shape)
    return truth, guesses, None if weights is None else aligned_weights(weights, guesses)
