"""Norms of tensors, and gradients kept below a norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..graph import Tensor, get_default_graph
from ..tensor_types import IndexedSlices
from .binary import maximum, minimum
from .choice import select_v2_op
from .elementwise_nary import add_n
from .guards import check_numerics, ones_like_op, zeros_like_op
from .reduce import either, reduce_max, reduce_sum
from .rounding import is_finite
from .unary import abs as absolute, rsqrt, sqrt, square

Gradients = Sequence[Any]


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """`scalar * x`, where x is a Tensor or IndexedSlices.

    Raises:
        ValueError: `scalar` is not a scalar.
    """
    factor = convert_to_tensor(scalar, x.dtype.base_dtype if hasattr(x, "dtype") else None, "scalar")
    if factor.sizes is not None and factor.sizes != ():
        raise ValueError(f"Only scalar multiply works, got shape {factor.shape}")
    from .binary import multiply

    if isinstance(x, IndexedSlices):
        return IndexedSlices(multiply(factor, x.values, name), x.indices, x.dense_shape)
    return multiply(factor, x, name)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """`x / sqrt(max(sum(x**2), epsilon))` over axes; `dim` is the old name of `axis`."""
    axis = either(("axis", "dim"), axis, dim)
    with get_default_graph().name_scope(name or "l2_normalize") as scope:
        tensor = convert_to_tensor(x, name="x")
        total = reduce_sum(square(tensor), axis, True)
        bound = np.array(epsilon, tensor.dtype.base_dtype.numpy)
        from .binary import multiply

        return multiply(tensor, rsqrt(maximum(total, bound)), name=scope)


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None,
    keep_dims: Any = None,
) -> Tensor:  # fmt: skip
    """A norm of vectors, matrices or the whole tensor, as `tf.norm`.

    Args:
        tensor: floating or complex numbers.
        ord: "euclidean", "fro", 1, 2, inf or any positive number.
        axis: None for the whole tensor as one vector, an axis for vectors, two for matrices.
        keepdims: leave the axes with size 1; `keep_dims` is its old name.

    Raises:
        ValueError: the order is not one of these for what `axis` says.
    """
    keep = bool(either(("keepdims", "keep_dims"), keepdims, keep_dims))
    is_matrix = isinstance(axis, list | tuple) and len(axis) == 2
    _check_order(ord, axis, is_matrix)
    with get_default_graph().name_scope(name or "norm"):
        x = convert_to_tensor(tensor, name="tensor")
        if ord in ("fro", "euclidean") or (ord == 2 and not is_matrix):
            result: Tensor = sqrt(reduce_sum(_squares(x), axis, keep))
            return result
        size = absolute(x)
        return _matrix_norm(size, x, ord, list(axis), keep) if is_matrix else _vector_norm(size, ord, axis, keep)


def _squares(x: Tensor) -> Tensor:
    squares: Tensor = square(absolute(x) if x.dtype.is_complex else x)
    return squares


def _check_order(order: Any, axis: Any, is_matrix: bool) -> None:
    if isinstance(axis, list | tuple) and len(axis) not in (1, 2):
        raise ValueError("'axis' must be None, an integer, or a tuple of 1 or 2 unique integers")
    if is_matrix and axis[0] == axis[1]:
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
    allowed = ("euclidean", "fro", 1, 2, np.inf) if is_matrix else ("euclidean", 1, 2, np.inf)
    if order in allowed or (not is_matrix and not isinstance(order, str) and order > 0):
        return
    raise ValueError(f"'ord' must be a supported {'matrix' if is_matrix else 'vector'} norm in {allowed}, got {order}")


def _vector_norm(size: Tensor, order: Any, axis: Any, keep: bool) -> Tensor:
    if order == np.inf:
        return reduce_max(size, axis, keep)
    if order == 1:
        return reduce_sum(size, axis, keep)
    from .binary import pow

    return pow(reduce_sum(pow(size, order), axis, keep), 1.0 / order)


def _matrix_norm(size: Tensor, x: Tensor, order: Any, axes: list[int], keep: bool) -> Tensor:
    if order == 2:
        return _spectral_norm(x, axes, keep)
    rows, columns = axes if order == 1 else axes[::-1]
    summed = reduce_sum(size, rows, True)
    largest = reduce_max(summed, columns, True)
    from .array_shape import squeeze

    return largest if keep else squeeze(largest, axes)


def _spectral_norm(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    from .array_order import transpose
    from .array_shape import expand_dims
    from .decompositions import svd

    if x.sizes is None:
        raise ValueError("The 2-norm of matrices needs a known rank")
    rank = len(x.sizes)
    last = [a % rank for a in axes]
    order = [*(i for i in range(rank) if i not in last), *last]
    largest = reduce_max(svd(transpose(x, order), compute_uv=False), -1)
    for axis in sorted(last) if keep else ():
        largest = expand_dims(largest, axis)
    return largest


def _values(t: Any) -> Any:
    return t.values if isinstance(t, IndexedSlices) else t


def _like(t: Any, values: Tensor) -> Any:
    return IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """`t * clip_norm / max(norm(t), clip_norm)`: no longer than clip_norm, over `axes` or as a whole.

    Args:
        t: a Tensor or IndexedSlices.
        clip_norm: a positive scalar.
        axes: the axes of one vector; None for all.

    Raises:
        ValueError: clip_norm does not broadcast to t.
    """
    with get_default_graph().name_scope(name or "clip_by_norm") as scope:
        values = convert_to_tensor(_values(t), name="t")
        total = reduce_sum(square(values), axes, True)
        # The square root has no gradient at 0: there 1 stands in for it.
        positive = total > 0
        safe = select_v2_op(positive, total, ones_like_op(total))
        length = select_v2_op(positive, sqrt(safe), total)
        scaled = values * clip_norm
        scaled.shape.assert_is_compatible_with(values.shape)
        from .array import identity

        return _like(t, identity(scaled / maximum(length, clip_norm), name=scope))


def global_norm(t_list: Gradients, name: str | None = None) -> Tensor | None:
    """The square root of the sum of squares of all elements of all tensors; None if there are none.

    Args:
        t_list: tensors, IndexedSlices and Nones, which are left out.

    Raises:
        TypeError: `t_list` is not a sequence.
    """
    _check_list(t_list)
    with get_default_graph().name_scope(name or "global_norm") as scope:
        halves = [_half_squares(convert_to_tensor(_values(t))) for t in t_list if t is not None]
        if not halves:
            return None
        total = add_n(halves) * np.array(2, halves[0].dtype.base_dtype.numpy)
        result: Tensor = sqrt(total, name=scope)
        return result


def _half_squares(values: Tensor) -> Tensor:
    from .nn_bias import l2_loss_op

    result: Tensor = l2_loss_op(values)
    return result


def _check_list(t_list: Any) -> None:
    if isinstance(t_list, str) or not isinstance(t_list, Sequence):
        raise TypeError("t_list should be a sequence")


def clip_by_global_norm(
    t_list: Gradients, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Tensors scaled together so that their global norm is at most clip_norm, and that norm.

    Args:
        t_list: tensors, IndexedSlices and Nones, which stay None.
        clip_norm: a positive scalar.
        use_norm: the global norm, where it is known.

    Returns:
        The scaled list and the norm before scaling. If the norm is infinite or NaN, so are all elements.

    Raises:
        TypeError: `t_list` is not a sequence.
    """
    _check_list(t_list)
    use_norm = global_norm(t_list, name) if use_norm is None else use_norm
    if use_norm is None:
        return list(t_list), None
    with get_default_graph().name_scope(name or "clip_by_global_norm"):
        length = convert_to_tensor(use_norm)
        one = np.ones((), length.dtype.base_dtype.numpy)
        limit = convert_to_tensor(clip_norm, length.dtype.base_dtype)
        scale = limit * minimum(one / length, one / limit)
        # A norm that is not finite must show in every gradient.
        scale = select_v2_op(is_finite(length), scale, zeros_like_op(length) + np.array(np.nan, one.dtype))
        return [None if t is None else _like(t, convert_to_tensor(_values(t)) * scale) for t in t_list], use_norm


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """`t` scaled so that its norm over its number of elements is at most clip_norm."""
    from .array_shape import size
    from .casting import cast

    with get_default_graph().name_scope(name or "clip_by_average_norm") as scope:
        values = convert_to_tensor(t, name="t")
        count = cast(size(values), values.dtype.base_dtype)
        inverse = rsqrt(reduce_sum(square(values), None, True))
        limit = convert_to_tensor(clip_norm, values.dtype.base_dtype)
        one = np.ones((), values.dtype.base_dtype.numpy)
        from .array import identity

        return identity(values * limit * minimum(inverse * count, one / limit), name=scope)


def verify_tensor_all_finite(
    t: Any = None, msg: Any = None, name: str | None = None, x: Any = None, message: Any = None
) -> Tensor:
    """The tensor, once it is known to hold neither NaN nor infinities; as `tf.debugging.assert_all_finite`.

    Raises:
        InvalidArgumentError: it does, when run; the text starts with the message.
    """
    value, text = either(("t", "x"), t, x), either(("msg", "message"), msg, message)
    with get_default_graph().name_scope(name or "VerifyFinite"):
        return check_numerics(value, text or "")
