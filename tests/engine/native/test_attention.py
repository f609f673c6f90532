"""Native attention and its gradient give NumPy's numbers, and the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.kernels.philox import stream_of_seeds
from headrace.engine.ops.nn_attention import (
    attention_grad_kernel,
    attention_kernel,
    chance_words,
    packed_attention_grad_kernel,
)

Native = Callable[..., None]
Arrays = list[np.ndarray[Any, Any]]

# batch, heads, rows, keys, depth, width
SHAPES = [
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 7, 3, 4),
    (3, 2, 64, 64, 32, 32),
    (1, 2, 70, 300, 17, 33),
    (1, 1, 130, 520, 8, 70),
]
# What is computed in another order is rounded to another neighbour now and then.
ERRORS = {"float32": 2e-5, "bfloat16": 2**-8, "float16": 2**-11}
DTYPES = [np.dtype(ml_dtypes.bfloat16), np.dtype(np.float16)]
MASKS = ["none", "causal", "by batch", "by key", "column"]


def _mask(kind: str, rng: np.random.Generator, shape: tuple[int, ...]) -> Arrays:
    batch, heads, rows, keys, *_ = shape
    if kind == "causal":
        return [((1 - np.tril(np.ones((rows, keys)))) * -1e9).astype(np.float32)]
    sizes = {"by batch": (batch, 1, rows, keys), "by key": (keys,), "column": (heads, rows, 1)}.get(kind)
    return [] if sizes is None else [rng.standard_normal(sizes).astype(np.float32)]


def _check(native: Native, op_type: str, inputs: Arrays, attrs: dict[str, Any], expected: Arrays) -> None:
    results = []
    for threads in (1, 2):
        outputs = [np.full(e.shape, 7, e.dtype) for e in expected]
        native(op_type, inputs, outputs, attrs, threads)
        results.append([x.astype(np.float32) for x in outputs])
    for one, two, exact in zip(*results, expected, strict=True):
        wanted, error = exact.astype(np.float32), ERRORS[exact.dtype.name]
        np.testing.assert_allclose(one, wanted, rtol=5 * error, atol=error * np.nanmax(np.abs(wanted), initial=1))
        assert np.array_equal(one, two, equal_nan=True)


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_attention(native: Native, shape: tuple[int, ...], kind: str) -> None:
    rng = np.random.default_rng(8)
    batch, heads, rows, keys, depth, width = shape
    attrs = {"scale": depth**-0.5, "mask_factor": -1.0 if kind == "by batch" else 1.0, "by_rows": kind == "causal"}
    # As they lie behind a projection: the heads within a row.
    sizes = ((rows, depth), (keys, depth), (keys, width), (rows, width))
    turned = [rng.standard_normal((batch, n, heads, d)).astype(np.float32) for n, d in sizes]
    query, key, value, dy = (x.swapaxes(1, 2) for x in turned)
    mask = _mask(kind, rng, shape)
    expected = list(attention_kernel(np, query, key, value, mask, **attrs))
    _check(native, "_Attention", [query, key, value, *mask], attrs, expected)
    given = [dy, query, key, value, *expected]
    _check(native, "_AttentionGrad", [*given, *mask], attrs, list(attention_grad_kernel(np, *given, mask, **attrs)))
    if rows == keys and depth == width:
        packed = packed_attention_grad_kernel(np, *given, mask, **attrs)
        _check(native, "_PackedAttentionGrad", [*given, *mask], attrs, [packed])


def test_three_axes(native: Native) -> None:
    rng = np.random.default_rng(9)
    query, key, value = (rng.standard_normal((5, n, 6)).astype(np.float32) for n in (3, 4, 4))
    attrs = {"scale": 1.0, "mask_factor": 1.0, "by_rows": False}
    mask = [rng.standard_normal((5, 1, 4)).astype(np.float32)]
    expected = list(attention_kernel(np, query, key, value, mask, **attrs))
    _check(native, "_Attention", [query, key, value, *mask], attrs, expected)


def _case(shape: tuple[int, ...], dtype: Any) -> Arrays:
    """Query, key, value and dy as they lie behind a projection."""
    rng = np.random.default_rng(4)
    batch, heads, rows, keys, depth, width = shape
    sizes = ((rows, depth), (keys, depth), (keys, width), (rows, width))
    return [rng.standard_normal((batch, n, heads, d)).astype(dtype).swapaxes(1, 2) for n, d in sizes]


@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("dtype", [np.dtype(np.float32), *DTYPES], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_narrow_matrices_hidden_scores_and_dropout(
    native: Native, shape: tuple[int, ...], dtype: Any, rate: float
) -> None:
    *given, dy = _case(shape, dtype)
    batch, _, rows, keys, depth, width = shape
    hidden = np.where(np.arange(keys) < np.arange(batch).reshape(-1, 1, 1, 1) * 3, 0, -np.inf).astype(np.float32)
    attrs = {"scale": depth**-0.5, "mask_factor": 1.0, "by_rows": True, "hidden": -3e4}
    chance = [chance_words(stream_of_seeds(5, 6).skipped(2**64 - 3), np.float32(rate), np.float32(1 / (1 - rate)))]
    expected = list(attention_kernel(np, *given, [hidden], chance, **attrs))
    _check(native, "_Attention", [*given, hidden, *chance], attrs, expected)
    inputs = [dy, *given, *expected]
    gradients = list(attention_grad_kernel(np, *inputs, [hidden], chance, **attrs))
    assert not gradients[0][0].any()
    _check(native, "_AttentionGrad", [*inputs, hidden, *chance], attrs, gradients)
    if rows == keys and depth == width:
        packed = packed_attention_grad_kernel(np, *inputs, [hidden], chance, **attrs)
        _check(native, "_PackedAttentionGrad", [*inputs, hidden, *chance], attrs, [packed])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_all_numbers_of_16_bits_are_read_and_written(native: Native, dtype: Any) -> None:
    numbers = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    # The mean of one value.
    value = numbers[np.isfinite(numbers.astype(np.float32))].reshape(1, -1, 1, 16)
    one = np.ones((1, value.shape[1], 1, 1), dtype)
    kept = [np.zeros(one.shape[:-1], np.float32) for _ in range(2)]
    result = np.zeros(value.shape, dtype)
    native("_Attention", [one, one, value], [result, *kept], {"scale": 1.0, "mask_factor": 1.0})
    np.testing.assert_array_equal(result, value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rows_that_see_nothing_and_keys_that_are_hidden(native: Native) -> None:
    rng = np.random.default_rng(10)
    query, key, value = (rng.standard_normal((1, 1, n, 4)).astype(np.float32) for n in (3, 300, 300))
    mask = np.zeros((3, 300), np.float32)
    mask[0] = -np.inf
    mask[1, :290] = -np.inf
    mask[2, 5] = np.nan
    attrs = {"scale": 1.0, "mask_factor": 1.0, "by_rows": False}
    outputs = [np.zeros((1, 1, 3, 4), np.float32), *(np.zeros((1, 1, 3), np.float32) for _ in range(2))]
    native("_Attention", [query, key, value, mask], outputs, attrs)
    expected = attention_kernel(np, query, key, value, [mask], **attrs)[0]
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(outputs[0][0, 0, [0, 2]]).all()
