"""Resizing of images and its gradients, local response normalisation, and places among the largest of a row."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ...kernels.image_resize import resized_from
from ..calls import Array, Bound, DeviceArray, gpu
from ..template import template
from ..text import is_float
from .compact import compact

_FILE = "images.cuh"
_KINDS = {"NearestNeighbor": "nearest", "Bilinear": "bilinear", "Bicubic": "bicubic", "Area": "area"}
# Rows in which each element counts all before it.
_LONGEST = 1 << 13


@gpu(*(f"Resize{kind}" for kind in _KINDS))
@compact
def resize(bound: Bound) -> None:
    """Each pixel a sum of pixels times weights, which are known."""
    _resample(bound, bound.inputs[0], bound.outputs[0], backwards=False)


@gpu(*(f"Resize{kind}Grad" for kind in _KINDS if kind != "Area"))
@compact
def resize_gradient(bound: Bound) -> None:
    """The same with inputs and outputs changed over."""
    _resample(bound, bound.inputs[0], bound.outputs[0], backwards=True)


def _resample(bound: Bound, x: DeviceArray, out: DeviceArray, *, backwards: bool) -> None:
    kind = _KINDS[bound.type.removeprefix("Resize").removesuffix("Grad")]
    bound.require(math.prod(x.shape[1:3]) > 0, "no pixels")
    whole = x.dtype.kind in "iu" and x.dtype.itemsize > 2
    bound.require(kind != "nearest" or not whole, f"pixels of {x.dtype}")
    how = bool(bound.attrs["align_corners"]), bool(bound.attrs.get("half_pixel_centers"))
    small, large = (out, x) if backwards else (x, out)
    tables = []
    for axis in (1, 2):
        starts, places, weights = _taps(kind, small.shape[axis], large.shape[axis], how, backwards)
        tables += [bound.table(starts), bound.table(places), bound.table(weights)]
    wide = np.dtype(np.float64 if np.float64 in (x.dtype, out.dtype) else np.float32)
    parameters = (
        "const T* in, U* out, const long long* row_starts, const long long* row_places, const double* row_weights, "
        "const long long* column_starts, const long long* column_places, const double* column_weights, long long n, "
        "int in_h, int in_w, int out_h, int out_w, int channels"
    )
    kernel = template("resample", _FILE, parameters, x.dtype, out.dtype, wide)
    bound.for_each(kernel, out.size, x, out, *tables, out.size, *x.shape[1:3], *out.shape[1:])


@cache
def _taps(kind: str, inputs: int, outputs: int, how: tuple[bool, bool], backwards: bool) -> tuple[Array, Array, Array]:
    """Where each pixel's taps start, which pixels they are, and their weights."""
    own, other, weights = resized_from(kind, inputs, outputs, *how)
    if backwards:
        own, other = other, own
    order = np.argsort(own, kind="stable")
    counts = np.bincount(own, minlength=inputs if backwards else outputs)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return starts, other[order].astype(np.int64), weights[order].astype(np.float64)


@gpu("LRN")
@compact
def lrn(bound: Bound) -> None:
    """Each channel over a power of the squares around it."""
    x, out = bound.inputs[0], bound.outputs[0]
    places = "const T* x, T* y, long long n, int channels, int radius, double bias, double alpha, double beta"
    bound.for_each(template("lrn", _FILE, places, x.dtype), x.size, x, out, x.size, x.shape[-1], *_lrn(bound))


@gpu("LRNGrad")
@compact
def lrn_gradient(bound: Bound) -> None:
    """The gradient of that."""
    dy, x, y = bound.inputs
    places = (
        "const T* dy, const T* x, const T* y, T* dx, long long n, int channels, int radius, double bias, double alpha, "
        "double beta"
    )
    sizes = x.size, x.shape[-1], *_lrn(bound)
    bound.for_each(template("lrn_gradient", _FILE, places, x.dtype), x.size, dy, x, y, bound.outputs[0], *sizes)


def _lrn(bound: Bound) -> tuple[Any, ...]:
    return int(bound.attrs["depth_radius"]), *(float(bound.attrs[name]) for name in ("bias", "alpha", "beta"))


@gpu("TopK", "TopKV2")
@compact
def top_k(bound: Bound) -> None:
    """Each number finds its own place."""
    x, (values, indices) = bound.inputs[0], bound.outputs
    n, k = x.shape[-1], values.shape[-1]
    bound.require(n <= _LONGEST and (is_float(x.dtype) or x.dtype.kind in "iu"), "long rows")
    rows = x.size // max(n, 1)
    kernel = template("top_k", _FILE, "const T* x, T* values, int* places, long long rows, int n, int k", x.dtype)
    bound.for_each(kernel, x.size if k else 0, x, values, indices, rows, n, k)


@gpu("InTopK", "InTopKV2")
@compact
def in_top_k(bound: Bound) -> None:
    """A row a warp."""
    predictions, targets, *k = bound.inputs
    out = bound.outputs[0]
    rows, n = predictions.shape
    places = "const float* x, const T* targets, const T* k, bool* out, long long rows, int n, long long fixed"
    kernel = template("in_top_k", _FILE, places, targets.dtype, synchronizes=True)
    given: tuple[DeviceArray | int, int] = (k[0], 0) if k else (0, int(bound.attrs["k"]))
    bound.launch(kernel, min(-(-rows // 8), 65535), 256, predictions, targets, given[0], out, rows, n, given[1])
