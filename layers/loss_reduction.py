"""How the losses of elements become a loss: weights, reductions, and the collection that losses are kept in."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.array_parts import ones_like
from ..engine.ops.array_shape import size
from ..engine.ops.casting import cast
from ..engine.ops.comparison import not_equal
from ..engine.ops.constant import constant
from ..engine.ops.division import div_no_nan
from ..engine.ops.elementwise_nary import add_n
from ..engine.ops.reduce import reduce_sum
from ..engine.scopes import GraphKeys, name_scope
from .weights import assert_broadcastable, broadcast_weights


class Reduction:
    """How the weighted losses of the elements become one number, or stay apart (NONE)."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All reductions."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises ValueError for anything else."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}. Key should be one of {cls.all()}.")


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The losses of the elements, weighted and reduced, as `tf.losses.compute_weighted_loss`.

    Args:
        losses: numbers [batch, d1, ...].
        weights: a scalar, or the rank of `losses` and sizes that are equal or 1.
        scope: name scope.
        loss_collection: the collection to which the result is added.
        reduction: see Reduction.

    Returns:
        A scalar in the dtype of `losses`; with Reduction.NONE the shape of `losses`.

    Raises:
        ValueError: the reduction is unknown, or the weights do not fit.

    Example:
        >>> import headrace as tf
        >>> loss = tf.losses.compute_weighted_loss([1.0, 2.0, 9.0], [1.0, 1.0, 0.0])
        >>> float(tf.Session().run(loss))
        1.5
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", (losses, weights)):
        values = convert_to_tensor(losses)
        weight = cast(convert_to_tensor(weights), float32)
        with get_default_graph().control_dependencies([assert_broadcastable(weight, values)]):
            loss: Tensor = cast(_reduced(cast(values, float32), weight, reduction), values.dtype.base_dtype)
        add_loss(loss, loss_collection)
        return loss


def _reduced(values: Tensor, weight: Tensor, reduction: str) -> Tensor:
    weighted = values * weight
    if reduction == Reduction.NONE:
        return weighted
    total = reduce_sum(weighted)
    if reduction == Reduction.SUM:
        return total
    return div_no_nan(total, _divisor(values, weight, reduction), name="value")


def _divisor(values: Tensor, weight: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.MEAN:
        return reduce_sum(ones_like(values) * weight)
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return reduce_sum(present_elements(values, weight))
    number: Tensor = cast(size(values), float32)
    return number


def present_elements(values: Tensor, weight: Tensor) -> Tensor:
    """One for each of the values whose weight is not zero, float32 in the shape of the values."""
    return broadcast_weights(cast(not_equal(weight, 0.0), float32), values)


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss of one's own to the collection."""
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """The losses in the collection, filtered by scope."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """The regularization losses, filtered by scope."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the regularization losses, zero if there are none."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses, with or without regularization.

    Raises:
        ValueError: there is no loss.
    """
    losses = get_losses(scope) + (get_regularization_losses(scope) if add_regularization_losses else [])
    if not losses:
        raise ValueError("There are no losses in the graph: nothing has been added to the collection LOSSES")
    return add_n(losses, name=name)
