"""How targets, predictions and weights are brought to one rank and reduced to a number, as Keras 3 does."""

from __future__ import annotations

from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, bool as boolean
from ...engine.graph import Tensor
from ...engine.ops.array import shape as shape_of
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.array_shape import expand_dims, size, squeeze
from ...engine.ops.casting import cast
from ...engine.ops.choice import where_v2
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_sum

EPSILON = 1e-7

REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight")


def as_tensor(value: Any, dtype: Any = None) -> Tensor:
    """A tensor of `value`, cast to `dtype` where it has another one; Python numbers become floats then."""
    if not isinstance(value, Tensor) and dtype is not None and not hasattr(value, "dtype"):
        return convert_to_tensor(value, as_dtype(dtype))
    tensor = convert_to_tensor(value)
    if dtype is not None and tensor.dtype.base_dtype != as_dtype(dtype):
        tensor = cast(tensor, dtype)
    return tensor


def pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Both in the dtype of the predictions and of one rank."""
    predictions = as_tensor(y_pred)
    if not predictions.dtype.is_floating:
        predictions = cast(predictions, "float32")
    return same_rank(as_tensor(y_true, predictions.dtype.base_dtype), predictions)


def same_rank(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The two, one of them with a last dimension of 1 more or less where their ranks differ by one."""
    a, b = first.sizes, second.sizes
    if a is None or b is None or len(a) == len(b):
        return first, second
    if len(a) < len(b):
        return tuple(reversed(same_rank(second, first)))  # type: ignore[return-value]
    if len(a) == len(b) + 1 and a[-1] in (1, None):
        if len(b) == 1:
            return first, expand_dims(second, -1)
        if a[-1] == 1:
            return squeeze(first, [-1]), second
    return first, second


def checked_reduction(reduction: str | None) -> str | None:
    """`reduction` itself.

    Raises:
        ValueError: there is no such reduction.
    """
    if reduction == "auto":
        return "sum_over_batch_size"
    if reduction is not None and reduction not in REDUCTIONS:
        raise ValueError(f"Unknown reduction {reduction!r}; there are {', '.join(REDUCTIONS)} and None")
    return reduction


def with_mask(sample_weight: Any, mask: Any, dtype: Any, reduction: str | None) -> Any:
    """The weights, zero where the mask is False; None where there are neither weights nor a mask."""
    if mask is None:
        return sample_weight
    weights = cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        # Elements left out do not count in the mean either.
        share = div_no_nan(cast(size(mask), dtype), reduce_sum(weights))
        weights = where_v2(cast(mask, boolean), share + zeros_like(weights), zeros_like(weights))
    if sample_weight is None:
        return weights
    weights, given = same_rank(weights, as_tensor(sample_weight, dtype))
    return weights * given


def reduced(values: Any, sample_weight: Any = None, mask: Any = None, reduction: str | None = None) -> Tensor:
    """Losses of elements as one number, by Keras's reductions; None and "none" leave them as they are."""
    losses = as_tensor(values)
    dtype = losses.dtype.base_dtype
    weights = with_mask(sample_weight, mask, dtype, reduction)
    if weights is not None:
        losses, weights = same_rank(losses, as_tensor(weights, dtype))
        losses = losses * weights
    if reduction in (None, "none") or losses.sizes == ():
        return losses
    total = reduce_sum(losses)
    if reduction == "sum":
        return total
    by_weights = reduction == "mean_with_sample_weight" and weights is not None
    return div_no_nan(total, reduce_sum(weights) if by_weights else cast(size(losses), dtype))


def rows_of(tensor: Tensor) -> Tensor:
    """The size of the first dimension."""
    return shape_of(tensor)[0]
