"""Random arrays drawn from a Philox stream: uniform, normal, exponential, permutation, classes.

Every function takes a `Stream` and returns the array and the number of 128-bit blocks that
TF 1.15's stateful op reserves for it: its next draw starts at `stream.skipped(blocks)`.
"""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import InvalidArgumentError
from .philox import Stream, philox, philox_at
from .results import result_array

Array = NDArray[Any]
Shape = tuple[int, ...]

# TF reserves this many blocks an output element, whatever the distribution really uses.
RESERVED_BLOCKS = 256

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
# Bits of the mantissa that a uniform number is made of, by dtype.
_MANTISSA_BITS = {
    np.dtype(np.float16): 10,
    _BFLOAT16: 7,
    np.dtype(np.float32): 23,
    np.dtype(np.float64): 52,
}
_INTEGERS = (np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.uint32), np.dtype(np.uint64))
# What a step over a long array works on at a time, so that its float64 temporaries stay in cache.
_CHUNK = 1 << 14
_TRUNCATE_AT = 2.0


def mantissa_bits(dtype: DTypeLike) -> int:
    """How many low bits of a word a uniform number is made of; a float64 takes some of two words."""
    return _MANTISSA_BITS[np.dtype(dtype)]


def uniform(stream: Stream, shape: Shape, dtype: DTypeLike = np.float32, out: Array | None = None) -> tuple[Array, int]:
    """Returns floats uniform in [0, 1); the bits are TF 1.15's.

    Args:
        stream: where to start drawing.
        shape: the shape of the result.
        dtype: float16, bfloat16, float32 or float64.
        out: an array of that shape and dtype to fill instead of a new one.

    Raises:
        TypeError: for any other dtype.
    """
    dtype = _floating(dtype)
    result = result_array(shape, dtype, out)
    flat = _flat(result)
    for start in range(0, flat.size, _CHUNK):
        some = flat[start : start + _CHUNK]
        per_block = 2 if dtype == np.float64 else 4
        uniform_words(_words(stream.skipped(start // per_block), some.size, dtype), some)
    return _filled(result, flat), result.size * RESERVED_BLOCKS


def uniform_int(
    stream: Stream,
    shape: Shape,
    minval: int,
    maxval: int,
    dtype: DTypeLike = np.int32,
    out: Array | None = None,
) -> tuple[Array, int]:
    """Returns integers in [minval, maxval), int32 or int64; the numbers are TF 1.15's.

    As there, words are reduced modulo the range: the bias is small unless the range is huge.

    Raises:
        InvalidArgumentError: when minval >= maxval.
        TypeError: for any other dtype.
    """
    dtype = np.dtype(dtype)
    if dtype not in _INTEGERS[:2]:
        raise TypeError(f"random_uniform_int: expected dtype int32 or int64, got {dtype}")
    if minval >= maxval:
        raise InvalidArgumentError(None, None, f"Need minval < maxval, got {minval} >= {maxval}")
    result = result_array(shape, dtype, out)
    words = _integer_words(stream, result.size, dtype)
    unsigned = words.dtype.type
    words %= unsigned(maxval - minval)
    words += unsigned(minval % (1 << 8 * dtype.itemsize))
    result[...] = words.view(dtype).reshape(shape)
    return result, result.size * RESERVED_BLOCKS


def uniform_full_int(
    stream: Stream, shape: Shape, dtype: DTypeLike = np.int32, out: Array | None = None
) -> tuple[Array, int]:
    """Returns integers over the whole range of int32, int64, uint32 or uint64."""
    dtype = np.dtype(dtype)
    if dtype not in _INTEGERS:
        raise TypeError(f"random_uniform_full_int: expected int32, int64, uint32 or uint64, got {dtype}")
    result = result_array(shape, dtype, out)
    result[...] = _integer_words(stream, result.size, dtype).view(dtype).reshape(shape)
    return result, result.size * RESERVED_BLOCKS


def normal(stream: Stream, shape: Shape, dtype: DTypeLike = np.float32, out: Array | None = None) -> tuple[Array, int]:
    """Returns floats of mean 0 and deviation 1 by Box-Muller: TF 1.15's to within 1e-6.

    dtype is float16, bfloat16, float32 or float64; the two short ones are rounded from float32.
    """
    dtype = _floating(dtype)
    result = result_array(shape, dtype, out)
    flat = _flat(result)
    for start in range(0, flat.size, _CHUNK):
        some = flat[start : start + _CHUNK]
        blocks = -(-some.size // (2 if dtype == np.float64 else 4))
        first = start // (2 if dtype == np.float64 else 4)
        words = philox(stream.key, stream.skipped(first).counter, blocks)
        some[:] = box_muller(words, dtype).reshape(-1)[: some.size]
    return _filled(result, flat), result.size * RESERVED_BLOCKS


def truncated_normal(
    stream: Stream, shape: Shape, dtype: DTypeLike = np.float32, out: Array | None = None
) -> tuple[Array, int]:
    """Returns normal floats redrawn until they lie within (-2, 2): TF 1.15's to within 1e-6."""
    dtype = _floating(dtype)
    result = result_array(shape, dtype, out)
    flat = _flat(result)
    group = 2 if dtype == np.float64 else 4
    for start in range(0, flat.size, _CHUNK):
        some = flat[start : start + _CHUNK]
        groups = np.arange(start // group, -(-(start + some.size) // group), dtype=np.uint64)
        some[:] = truncated_groups(stream, groups, group, dtype).reshape(-1)[: some.size]
    return _filled(result, flat), result.size * RESERVED_BLOCKS


def exponential(
    stream: Stream, shape: Shape, dtype: DTypeLike = np.float32, out: Array | None = None
) -> tuple[Array, int]:
    """Returns floats of the exponential distribution of rate 1: -log(1 - u) of a uniform u."""
    result, blocks = uniform(stream, shape, dtype, out)
    np.negative(result, out=result)
    np.log1p(result, out=result)
    # Not negated: 0 would become -0.
    np.absolute(result, out=result)
    return result, blocks


def permutation(stream: Stream, size: int, out: Array | None = None) -> tuple[Array, int]:
    """Returns a random order of 0 .. size - 1 as int64, the one of TF 1.15's `random_shuffle`.

    Fisher-Yates from the front; size - 1 words are used. A size of 0 or 1 uses none.
    """
    result = result_array((size,), np.dtype(np.int64), out)
    if size <= 1:
        result[...] = 0
        return result, 0
    blocks = -(-(size - 1) // 4)
    words = philox(stream.key, stream.counter, blocks).reshape(-1)[: size - 1]
    others = np.arange(size - 1) + words % np.arange(size, 1, -1)
    order = list(range(size))
    for i, j in enumerate(others.tolist()):
        order[i], order[j] = order[j], order[i]
    result[...] = order
    return result, blocks


def categorical(
    stream: Stream,
    logits: Array,
    num_samples: int,
    dtype: DTypeLike = np.int64,
    out: Array | None = None,
) -> tuple[Array, int]:
    """Returns class numbers `[batch, num_samples]` drawn with probability softmax(logits).

    The inverse of the cumulated distribution in float64, as TF 1.15's `multinomial` has it; classes
    whose logit is not finite are never drawn.

    Args:
        stream: where to start drawing.
        logits: floats `[batch, classes]`.
        num_samples: draws a row.
        dtype: int32 or int64.
        out: an array `[batch, num_samples]` of that dtype to fill instead of a new one.

    Raises:
        InvalidArgumentError: when logits is not a matrix, or has no classes, or num_samples < 0.
    """
    _check_categorical(logits, num_samples)
    batch = logits.shape[0]
    result = result_array((batch, num_samples), np.dtype(dtype), out)
    cumulated = _cumulated(logits)
    picks = np.empty(batch * num_samples, dtype=np.float64)
    uniform_words(_words(stream, picks.size, picks.dtype), picks)
    wanted = picks.reshape(batch, num_samples) * cumulated[:, -1:]
    for row, cdf, values in zip(result, cumulated, wanted, strict=True):
        row[:] = np.searchsorted(cdf, values, side="right")
    return result, batch * -(-num_samples // 4) * 4 * 2 * RESERVED_BLOCKS


def box_muller(words: NDArray[np.uint32], dtype: np.dtype[Any]) -> Array:
    """Returns normal floats made of the words `[n, 4]`: `[n, 4]`, or `[n, 2]` for float64."""
    if dtype == np.float64:
        return _box_muller_double(words)
    pairs = _unit_floats(words.reshape(-1, 2))
    # In float64 and rounded: NumPy's float32 functions are a few units in the last place off.
    radius = np.log(np.maximum(pairs[:, 0], np.float32(1e-7)).astype(np.float64))
    angle = (2.0 * math.pi * pairs[:, 1].astype(np.float64)).astype(np.float32).astype(np.float64)
    scale = np.sqrt(np.float32(-2.0) * radius.astype(np.float32))
    result = np.empty_like(pairs)
    np.multiply(np.sin(angle).astype(np.float32), scale, out=result[:, 0])
    np.multiply(np.cos(angle).astype(np.float32), scale, out=result[:, 1])
    return result.reshape(-1, 4).astype(dtype, copy=False)


def unit_doubles(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Returns one float64 in [0, 1) for each two words along the last axis."""
    high = (words[..., 0::2] & np.uint32(0xFFFFF)).astype(np.float64)
    low = words[..., 1::2].astype(np.float64)
    # Both products are exact, and so is their sum: 52 bits in all.
    result: NDArray[np.float64] = high * 2.0**-20 + low * 2.0**-52
    return result


def _box_muller_double(words: NDArray[np.uint32]) -> Array:
    pairs = unit_doubles(words)
    scale = np.sqrt(-2.0 * np.log(np.maximum(pairs[:, 0], 1e-7)))
    angle = 2 * math.pi * pairs[:, 1]
    return np.stack([np.sin(angle) * scale, np.cos(angle) * scale], axis=1)


def _unit_floats(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    return (words & np.uint32(0x7FFFFF)).astype(np.float32) * np.float32(2.0**-23)


def uniform_words(words: NDArray[np.uint32], out: Array) -> None:
    """Fills `out`, in one row, with floats in [0, 1) made of as many words as it needs."""
    if out.dtype == np.float64:
        out[:] = unit_doubles(words)[: out.size]
        return
    bits = _MANTISSA_BITS[out.dtype]
    mantissa = words[: out.size] & np.uint32((1 << bits) - 1)
    np.multiply(mantissa.astype(out.dtype), out.dtype.type(2.0**-bits), out=out)


def _words(stream: Stream, count: int, dtype: np.dtype[Any]) -> NDArray[np.uint32]:
    """Returns at least the words that `count` elements of the dtype take, in one row."""
    blocks = -(-count // (2 if dtype.itemsize == 8 else 4))
    return philox(stream.key, stream.counter, blocks).reshape(-1)


def _integer_words(stream: Stream, count: int, dtype: np.dtype[Any]) -> Array:
    words = _words(stream, count, dtype)
    if dtype.itemsize == 4:
        return words[:count]
    pairs = words.astype(np.uint64)
    return (pairs[0::2] | pairs[1::2] << np.uint64(32))[:count]


def truncated_groups(stream: Stream, groups: NDArray[np.uint64], size: int, dtype: np.dtype[Any]) -> Array:
    """Draws each group of outputs, `[len(groups), size]`, from its own blocks: the first `size` values in range."""
    wide = np.dtype(np.float64) if dtype == np.float64 else np.dtype(np.float32)
    result = np.empty((len(groups), size), dtype=wide)
    missing = np.arange(len(groups))
    blocks = 1
    while len(missing):
        tried = _group_normals(stream, groups[missing], size, blocks, wide)
        accepted = np.abs(tried) < _TRUNCATE_AT
        done = accepted.sum(axis=1) >= size
        # A stable order of "rejected" puts the accepted ones first, in the order they were drawn.
        first = np.argsort(~accepted[done], axis=1, kind="stable")[:, :size]
        result[missing[done]] = np.take_along_axis(tried[done], first, axis=1)
        missing = missing[~done]
        blocks *= 4
    return result.astype(dtype, copy=False)


def _group_normals(stream: Stream, groups: NDArray[np.uint64], size: int, blocks: int, dtype: np.dtype[Any]) -> Array:
    starts = groups * np.uint64(size * RESERVED_BLOCKS // 4)
    offsets = np.add.outer(starts, np.arange(blocks, dtype=np.uint64))
    return box_muller(philox_at(stream, offsets.reshape(-1)), dtype).reshape(len(groups), -1)


def _check_categorical(logits: Array, num_samples: int) -> None:
    if logits.ndim != 2:
        raise InvalidArgumentError(None, None, f"logits should be a matrix, got shape {list(logits.shape)}")
    if num_samples < 0:
        raise InvalidArgumentError(None, None, f"num_samples should be nonnegative, got {num_samples}")
    if logits.shape[1] == 0:
        raise InvalidArgumentError(None, None, "num_classes should be positive, got 0")


def _cumulated(logits: Array) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    finite = np.isfinite(wide)
    largest = np.max(wide, axis=1, keepdims=True, initial=-np.inf, where=finite)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(wide - largest)
    weights[~finite] = 0.0
    result: NDArray[np.float64] = np.cumsum(weights, axis=1)
    return result


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    result = np.dtype(dtype)
    if result not in _MANTISSA_BITS:
        raise TypeError(f"random op: expected dtype float16, bfloat16, float32 or float64, got {result}")
    return result


def _flat(result: Array) -> Array:
    """Returns one row to write to: the result itself where its memory allows, else a stand-in."""
    return result.reshape(-1) if result.flags.c_contiguous else np.empty(result.size, result.dtype)


def _filled(result: Array, flat: Array) -> Array:
    if not result.flags.c_contiguous:
        result[...] = flat.reshape(result.shape)
    return result
