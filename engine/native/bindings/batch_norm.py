"""Batch normalisation and its gradient, over images with channels last, with the relu beside it where a pass joined them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..calls import Argument, Array, Bound, native

# Rows of a chunk: about this many bytes, which the second-level cache holds beside the results.
_CHUNK_BYTES = 256 * 1024


@native("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx")
def batch_norm(bound: Bound) -> None:
    """Moments chunk by chunk, their combination, and the normalised images."""
    _check(bound)
    x, scale, offset, given_mean, given_variance = bound.inputs[:5]
    rows, size, chunks = _chunks(x)
    channels = scale.size
    factor = bound.scratch(channels * 4)
    mean: Array = bound.outputs[1]
    if bound.attrs["is_training"]:
        partial = bound.scratch(chunks * channels * 16)
        bound.call("batch_moments_f32", chunks, rows, size, channels, x, partial)
        statistics = rows, size, chunks, channels, partial, bound.attrs["epsilon"], scale
        bound.call("batch_statistics_f32", 1, *statistics, *bound.outputs[1:5], factor)
    else:
        mean = given_mean
        for out, given in zip(bound.outputs[1:5], (given_mean, given_variance) * 2, strict=True):
            bound.call("copy_bytes", 1, given.nbytes, given.nbytes, out, given)
        bound.call("batch_factors_f32", 1, channels, bound.attrs["epsilon"], scale, given_variance, factor)
    bound.require(len(bound.inputs) < 7, "more than one side input")
    added = bound.inputs[5] if len(bound.inputs) > 5 else None
    places: tuple[Argument, ...] = x, mean, factor, offset, added
    relu = bound.type == "_FusedBatchNormEx"
    bound.call("batch_normalize_f32", chunks, rows, size, channels, *places, relu, bound.outputs[0])


@native("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")
def batch_norm_gradient(bound: Bound) -> None:
    """Sums chunk by chunk, from which one pass makes the gradient of the images."""
    _check(bound)
    dy, *rest = bound.inputs[:5]
    _gradient(bound, dy, rest, None, None, bound.outputs[:3])


@native("_ReluGradFusedBatchNormGrad")
def relu_gradient(bound: Bound) -> None:
    """The same where the gradient counts only where the relu let its argument through."""
    _check(bound)
    dy, features, *rest = bound.inputs
    masked = bound.outputs[0] if bound.attrs["keep_masked"] else None
    _gradient(bound, dy, rest, features, masked, bound.outputs[1:])


def _gradient(
    bound: Bound, dy: Array, rest: Sequence[Array], mask: Array | None, masked: Array | None, outputs: Sequence[Array]
) -> None:
    x, scale, mean, variance = rest
    dx, dscale, doffset = outputs
    rows, size, chunks = _chunks(x)
    channels = scale.size
    partial = bound.scratch(chunks * channels * 16)
    factors = [bound.scratch(channels * 4) for _ in range(3)]
    bound.call("batch_gradient_sums_f32", chunks, rows, size, channels, dy, x, mean, mask, masked, partial)
    numbers = partial, bound.attrs["epsilon"], scale, variance, dscale, doffset
    bound.call(
        "batch_gradient_coefficients_f32", 1, rows, chunks, channels, bound.attrs["is_training"], *numbers, *factors
    )
    if masked is not None:
        dy, mask = masked, None
    bound.call("batch_gradient_f32", chunks, rows, size, channels, dy, x, mean, mask, *factors, dx)


def _check(bound: Bound) -> None:
    bound.require(bound.attrs["data_format"] == "NHWC", f"{bound.attrs['data_format']}")
    bound.require_float32()
    bound.require(bool(bound.inputs[0].size), "no images")


def _chunks(x: Array) -> tuple[int, int, int]:
    channels = x.shape[-1]
    rows = x.size // channels
    size = int(np.clip(_CHUNK_BYTES // (4 * channels), 1, rows))
    return rows, size, -(-rows // size)
