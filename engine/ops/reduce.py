"""TensorFlow's reduce_* functions, with all the old spellings of their arguments."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import as_dtype, int64, string
from ..graph import Tensor, get_default_graph
from . import extrema, reduction
from .array import rank_op, reshape, shape
from .casting import cast
from .choice import select_v2_op
from .comparison import not_equal
from .guards import stop_gradient, zeros_like_op
from .ranges import range
from .rounding import is_finite
from .unary import exp, log, sqrt, square


def either(names: tuple[str, str], first: Any, second: Any) -> Any:
    """The one of two arguments that is given, of which the second is the old spelling.

    Raises:
        ValueError: both are given.
    """
    if first is not None and second is not None:
        raise ValueError(f"Cannot specify both {names[0]!r} and {names[1]!r}")
    return second if first is None else first


def all_axes(tensor: Tensor, axis: Any) -> Any:
    """`axis`, or where it is None all axes of `tensor`."""
    if axis is not None:
        return axis
    if tensor.sizes is not None:
        return np.arange(len(tensor.sizes), dtype=np.int32)
    return range(0, rank_op(tensor))


def _reduce(
    build: Callable[..., Tensor], x: Any, axis: Any, keepdims: Any, name: str | None, old_axis: Any, old_keep: Any
) -> Tensor:
    axis = either(("axis", "reduction_indices"), axis, old_axis)
    keep = builtins.bool(either(("keepdims", "keep_dims"), keepdims, old_keep))
    tensor = convert_to_tensor(x, name="input_tensor")
    result = build(tensor, all_axes(tensor, axis), keep_dims=keep, name=name)
    if axis is None and not keep:
        result.set_shape(())
    return result


def reduce_sum(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The sum over axes.

    Args:
        input_tensor: numbers of any shape.
        axis: an axis, a list or tensor of them, or None for all; `reduction_indices` is its old name.
        keepdims: leave reduced axes with size 1; `keep_dims` is its old name.

    Raises:
        ValueError: an axis is out of range, or both spellings of an argument are used.

    Example:
        >>> import headrace as tf
        >>> tf.Session().run(tf.reduce_sum([[1, 1, 1], [1, 1, 1]], 0)).tolist()
        [2, 2, 2]
    """
    return _reduce(reduction.sum_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_mean(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The mean over axes, truncated for integers; arguments as of `reduce_sum`."""
    return _reduce(reduction.mean_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_prod(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The product over axes; arguments as of `reduce_sum`."""
    return _reduce(reduction.prod_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_max(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The largest element over axes; equal ones share the gradient. Arguments as of `reduce_sum`."""
    return _reduce(extrema.max_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_min(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The smallest element over axes; equal ones share the gradient. Arguments as of `reduce_sum`."""
    return _reduce(extrema.min_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_all(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """Whether all bools over axes hold; arguments as of `reduce_sum`."""
    return _reduce(extrema.all_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_any(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """Whether any bool over axes holds; arguments as of `reduce_sum`."""
    return _reduce(extrema.any_op, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares over axes."""
    return _reduce(reduction.euclidean_norm_op, input_tensor, axis, keepdims, name, None, None)


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """The logarithm of the sum of exponentials over axes, without overflow; arguments as of `reduce_sum`."""
    axis = either(("axis", "reduction_indices"), axis, reduction_indices)
    keep = builtins.bool(either(("keepdims", "keep_dims"), keepdims, keep_dims))
    with get_default_graph().name_scope(name or "ReduceLogSumExp"):
        tensor = convert_to_tensor(input_tensor, name="input_tensor")
        largest = reduce_max(tensor, axis, True)
        # Where the largest is infinite it must not turn the sum into NaN.
        offset = stop_gradient(select_v2_op(is_finite(largest), largest, zeros_like_op(largest)))
        result = log(reduce_sum(exp(tensor - offset), axis, keep))
        return result + (offset if keep else reshape(offset, shape(result)))


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean of squared distances from the mean over axes.

    Raises:
        TypeError: the elements are integers.
    """
    with get_default_graph().name_scope(name or "reduce_variance"):
        tensor = convert_to_tensor(input_tensor, name="input_tensor")
        if tensor.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex, got {tensor.dtype.name}")
        return reduce_mean(square(tensor - reduce_mean(tensor, axis, True)), axis, keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The square root of the variance over axes."""
    with get_default_graph().name_scope(name or "reduce_std"):
        result: Tensor = sqrt(reduce_variance(input_tensor, axis, keepdims))
        return result


def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = int64, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None, input: Any = None,
) -> Tensor:  # fmt: skip
    """How many elements over axes are not 0, False or the empty string; `input` is an alias of `input_tensor`.

    Raises:
        ValueError: neither or both of `input_tensor` and `input` are given.
    """
    value = either(("input_tensor", "input"), input_tensor, input)
    if value is None:
        raise ValueError("Must specify one of 'input_tensor' and 'input'")
    with get_default_graph().name_scope(name or "count_nonzero"):
        tensor = convert_to_tensor(value, name="input")
        kind = tensor.dtype.base_dtype
        zero = b"" if kind == string else kind.numpy.type(0)
        present = cast(not_equal(tensor, zero), int64)
        counted = reduce_sum(present, axis, keepdims, None, reduction_indices, keep_dims)
        result: Tensor = cast(counted, as_dtype(dtype))
        return result
