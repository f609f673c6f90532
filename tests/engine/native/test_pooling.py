"""Native pools and their gradients give NumPy's numbers, the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.kernels import pool
from headrace.engine.kernels.windows import output_sizes, padding_of

Native = Callable[..., None]

# images, height, width, channels; window; strides; padding
CASES: list[Any] = [
    ((1, 1, 1, 1), (1, 1), (1, 1), "VALID"),
    ((2, 4, 6, 16), (2, 2), (2, 2), "VALID"),
    ((2, 5, 7, 33), (2, 2), (2, 2), "SAME"),
    ((3, 5, 7, 5), (2, 3), (2, 2), "VALID"),
    ((2, 7, 6, 19), (3, 3), (1, 2), "SAME"),
    ((1, 8, 9, 3), (2, 2), (3, 3), "VALID"),
    ((20, 28, 28, 32), (2, 2), (2, 2), "VALID"),
    ((20, 15, 16, 40), (3, 3), (2, 2), "SAME"),
]


def _both(native: Native, op_type: str, inputs: list[Any], shape: Any, attrs: Any) -> Any:
    results = [np.full(shape, np.nan, np.float32) for _ in range(2)]
    for threads in (1, 2):
        native(op_type, inputs, [results[threads - 1]], attrs, threads)
    assert np.array_equal(*results, equal_nan=True)
    return results[0]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pools(native: Native, case: Any, ties: bool) -> None:
    shape, window, strides, padding = case
    rng = np.random.default_rng(2)
    x = rng.standard_normal(shape).astype(np.float32)
    if ties:
        x = np.round(x)
        x.flat[:: x.size // 3 + 1] = np.nan
    pads = padding_of(padding, shape[1:3], window, strides)
    sizes = (shape[0], *output_sizes(shape[1:3], window, strides, pads), shape[3])
    attrs = {"ksize": [1, *window, 1], "strides": [1, *strides, 1], "padding": padding}
    dy = rng.standard_normal(sizes).astype(np.float32)
    y = pool.max_pool(x, window, strides, pads)
    assert np.array_equal(_both(native, "MaxPool", [x], sizes, attrs), y, equal_nan=True)
    expected = pool.max_pool_grad(x, y, dy, window, strides, pads)
    np.testing.assert_allclose(_both(native, "MaxPoolGrad", [x, y, dy], shape, attrs), expected, 1e-5, 1e-5)
    expected = pool.avg_pool(x, window, strides, pads)
    np.testing.assert_allclose(_both(native, "AvgPool", [x], sizes, attrs), expected, 1e-5, 1e-5)
    expected = pool.avg_pool_grad(shape, dy, window, strides, pads)
    result = _both(native, "AvgPoolGrad", [np.array(shape, np.int32), dy], shape, attrs)
    np.testing.assert_allclose(result, expected, 1e-5, 1e-5)


@pytest.mark.parametrize("case", CASES[1:], ids=str)
def test_the_gradient_through_a_relu_before_the_pool(native: Native, case: Any) -> None:
    shape, window, strides, padding = case
    rng = np.random.default_rng(6)
    x = np.maximum(rng.standard_normal(shape).astype(np.float32), 0)
    pads = padding_of(padding, shape[1:3], window, strides)
    y = pool.max_pool(x, window, strides, pads)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    expected = np.where(x > 0, pool.max_pool_grad(x, y, dy, window, strides, pads), 0)
    attrs = {"ksize": [1, *window, 1], "strides": [1, *strides, 1], "padding": padding}
    results = []
    for threads in (1, 2):
        result, bias = np.full(shape, np.nan, np.float32), np.full(shape[3], np.nan, np.float32)
        native("_MaxPoolGradReluGrad", [x, y, dy], [result, bias], attrs, threads)
        np.testing.assert_allclose(result, expected, 1e-5, 1e-5)
        np.testing.assert_allclose(bias, expected.sum((0, 1, 2)), 1e-4, 1e-3)
        results.append(bias)
    assert np.array_equal(*results)
