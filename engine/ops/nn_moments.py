"""Moments of tensors and the normalisations built on them: batch normalisation from parts or fused, lrn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import bfloat16, float16, float32
from ..graph import Tensor, get_default_graph
from .array import identity, shape
from .array_shape import squeeze
from .binary import squared_difference
from .casting import cast
from .guards import ones_like_op, stop_gradient
from .indexing import gather
from .nn_norm import fused_batch_norm_v3_op, lrn_op
from .reduce import reduce_mean, reduce_prod, reduce_sum
from .unary import reciprocal, rsqrt, square

# Below this the fused kernels of other devices refuse to work.
SMALLEST_EPSILON = 1.001e-5


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and the variance of `x` over axes.

    Args:
        x: any floating dtype; 16-bit floats are added up in float32.
        axes: the axes to reduce; for batch normalisation all but the channels'.
        shift: accepted for TensorFlow's sake, it is not needed.
        name: of the scope.
        keep_dims: keep the reduced axes with size 1.
        keepdims: the later name of `keep_dims`.
    """
    del shift
    keep = bool(keep_dims if keepdims is None else keepdims)
    with get_default_graph().name_scope(name or "moments"):
        tensor = convert_to_tensor(x, None, "x")
        y = _precise(tensor)
        mean = reduce_mean(y, axes, keepdims=True, name="mean")
        variance = reduce_mean(squared_difference(y, stop_gradient(mean)), axes, keepdims=True, name="variance")
        if not keep:
            dropped = [int(a) for a in np.ravel(axes)]
            mean, variance = squeeze(mean, dropped), squeeze(variance, dropped)
        return cast(mean, tensor.dtype.base_dtype), cast(variance, tensor.dtype.base_dtype)


def _precise(x: Tensor) -> Tensor:
    return cast(x, float32) if x.dtype.base_dtype in (float16, bfloat16) else x


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What `normalize_moments` needs: the count, the sum and the sum of squares of `x` (both less `shift`), and shift."""
    keep = bool(keep_dims if keepdims is None else keepdims)
    reduced = [int(a) for a in np.ravel(axes)]
    with get_default_graph().name_scope(name or "sufficient_statistics"):
        tensor = convert_to_tensor(x, None, "x")
        count = _count(tensor, reduced)
        shift = None if shift is None else convert_to_tensor(shift, tensor.dtype.base_dtype, "shift")
        centered = tensor if shift is None else tensor - shift
        squares = square(tensor) if shift is None else squared_difference(tensor, shift)
        mean = reduce_sum(centered, reduced, keepdims=keep, name="mean_ss")
        return count, mean, reduce_sum(squares, reduced, keepdims=keep, name="var_ss"), shift


def _count(x: Tensor, axes: list[int]) -> Tensor:
    dtype = x.dtype.base_dtype
    if x.sizes is not None and None not in [x.sizes[a] for a in axes]:
        return convert_to_tensor(math.prod(x.sizes[a] for a in axes), dtype, "count")
    sizes = gather(cast(shape(x), dtype), np.array(axes, np.int32))
    return reduce_prod(sizes, name="count")


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance from what `sufficient_statistics` gave."""
    with get_default_graph().name_scope(name or "normalize"):
        divisor = reciprocal(counts, name="divisor")
        shifted = mean_ss * divisor
        mean = identity(shifted if shift is None else shifted + shift, name="mean")
        return mean, variance_ss * divisor - square(shifted)


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and the variance of `x` over axes, each element counted `frequency_weights` times."""
    keep = bool(keep_dims if keepdims is None else keepdims)
    with get_default_graph().name_scope(name or "weighted_moments"):
        tensor = convert_to_tensor(x, None, "x")
        y = _precise(tensor)
        weights = cast(convert_to_tensor(frequency_weights), y.dtype.base_dtype)
        total = reduce_sum(weights * ones_like_op(y), axes, keepdims=True)
        mean = reduce_sum(weights * y, axes, keepdims=True) / total
        variance = reduce_sum(weights * squared_difference(y, stop_gradient(mean)), axes, keepdims=True) / total
        if not keep:
            dropped = [int(a) for a in np.ravel(axes)]
            mean, variance = squeeze(mean, dropped), squeeze(variance, dropped)
        return cast(mean, tensor.dtype.base_dtype), cast(variance, tensor.dtype.base_dtype)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Tensor:
    """`scale * (x - mean) / sqrt(variance + variance_epsilon) + offset`, with broadcasting.

    Args:
        x: any shape.
        mean: broadcasts to `x`, as do the next three.
        variance: of the same elements.
        offset: beta, or None for none.
        scale: gamma, or None for none.
        variance_epsilon: keeps the division from zero.
        name: of the scope.
    """
    with get_default_graph().name_scope(name or "batchnorm"):
        tensor = convert_to_tensor(x)
        factor = rsqrt(convert_to_tensor(variance, tensor.dtype.base_dtype) + variance_epsilon)
        factor = factor if scale is None else factor * scale
        rest: Any = -mean * factor if offset is None else offset - mean * factor
        result: Tensor = tensor * factor + rest
        return result


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: Any = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """Batch normalisation under its first name; `gamma` is used if `scale_after_normalization`."""
    t = input if t is None else t
    m = mean if m is None else m
    v = variance if v is None else v
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation of images in one op.

    Args:
        x: [batch, height, width, channels], or channels first for "NCHW".
        scale: gamma [channels].
        offset: beta [channels].
        mean: the moments to use if not training.
        variance: likewise.
        epsilon: at least 1.001e-5 is used.
        data_format: "NHWC" or "NCHW".
        is_training: normalise by the moments of the batch.
        name: of the operation.

    Returns:
        The normalised images, and the mean and (unbiased) variance of the batch, or the given ones.

    Raises:
        ValueError: not training, and no moments are given.
    """
    if not is_training and (mean is None or variance is None):
        raise ValueError("Both 'mean' and 'variance' must be given if is_training is False.")
    gamma = convert_to_tensor(scale, None, "scale")
    empty = np.zeros(0, gamma.dtype.base_dtype.numpy)
    result = fused_batch_norm_v3_op(
        convert_to_tensor(x, None, "input"),
        gamma,
        convert_to_tensor(offset, gamma.dtype.base_dtype, "offset"),
        empty if mean is None else mean,
        empty if variance is None else variance,
        epsilon=max(epsilon, SMALLEST_EPSILON),
        data_format=data_format,
        is_training=is_training,
        name=name or "FusedBatchNormV3",
    )
    return result[0], result[1], result[2]


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """`input / (bias + alpha * s) ** beta`, where s adds up the squares of the channels within `depth_radius`."""
    return lrn_op(input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name)


lrn = local_response_normalization
