"""Pools, their gradients and LRN against TensorFlow's values."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import pool
from headrace.engine.kernels.lrn import lrn, lrn_grad
from headrace.engine.kernels.windows import padding_of

EXPECTED = np.load(Path(__file__).parents[2] / "fixtures/kernels/conv.npz")
POOLS = [
    ("pool_plain", (2, 2), (2, 2), "VALID"),
    ("pool_ragged", (3, 2), (2, 1), "SAME"),
    ("pool_wide", (3, 3), (1, 2), "SAME"),
    ("pool3d", (2, 3, 2), (2, 1, 2), "SAME"),
]


def load(name, *keys):
    return [EXPECTED[f"{name}/{key}"] for key in keys]


@pytest.mark.parametrize(("name", "window", "strides", "padding"), POOLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_pools_are_those_of_tensorflow(name, window, strides, padding, dtype):
    x, y, dy, dx, mean, dmean = (a.astype(dtype) for a in load(name, "x", "y", "dy", "dx", "mean", "dmean"))
    how = (window, strides, padding_of(padding, x.shape[1:-1], window, strides))
    tolerance = max(4 * float(ml_dtypes.finfo(dtype).eps), 1e-6)
    np.testing.assert_array_equal(pool.max_pool(x, *how), y)
    np.testing.assert_array_equal(pool.max_pool_grad(x, y, dy, *how), dx)
    np.testing.assert_allclose(pool.avg_pool(x, *how).astype(float), mean.astype(float), rtol=tolerance)
    np.testing.assert_allclose(
        pool.avg_pool_grad(x.shape, dy, *how).astype(float), dmean.astype(float),
        rtol=tolerance, atol=4 * tolerance,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "window", "strides", "padding"), POOLS[:3])
def test_argmax_and_second_gradients_are_those_of_tensorflow(name, window, strides, padding):
    x, y, dy, ddx, dx, ddy = load(name, "x", "y", "dy", "ddx", "dx", "ddy")
    how = (window, strides, padding_of(padding, x.shape[1:-1], window, strides))
    np.testing.assert_array_equal(pool.max_pool_grad_grad(x, y, ddx, *how), ddy)
    for key, full in (("index", False), ("full", True)):
        largest, where = pool.max_pool_with_argmax(x, *how, include_batch_in_index=full)
        np.testing.assert_array_equal(where, EXPECTED[f"{name}/{key}"])
        np.testing.assert_array_equal(largest, y)
        np.testing.assert_array_equal(pool.max_pool_grad_with_argmax(x.shape, dy, where, full), dx)
        np.testing.assert_array_equal(pool.max_pool_grad_grad_with_argmax(ddx, where, full), ddy)


def test_integers_infinities_and_nan():
    how = ((2,), (2,), ((0, 0),))
    x = np.array([[[3], [-5], [-7], [-6]]], np.int32)
    assert pool.max_pool(x, *how).tolist() == [[[3], [-6]]]
    x = np.array([[[1.0], [np.inf], [-np.inf], [-np.inf], [np.nan], [1.0]]])
    assert pool.max_pool(x, *how)[0, :2, 0].tolist() == [np.inf, -np.inf]
    assert np.isnan(pool.max_pool(x, *how)[0, 2, 0])
    dy = np.array([[[np.inf], [np.nan], [1.0]]])
    found = pool.max_pool_grad(x, pool.max_pool(x, *how), dy, *how)[0, :, 0]
    np.testing.assert_array_equal(found, [0, np.inf, np.nan, 0, 0, 0])


def test_large_batches_go_in_chunks_and_out_is_filled():
    x = np.random.default_rng(0).integers(0, 50, (30, 32, 32, 8)).astype(np.float32)
    how = ((3, 3), (2, 2), padding_of("SAME", (32, 32), (3, 3), (2, 2)))
    y, mean = pool.max_pool(x, *how), pool.avg_pool(x, *how)
    for number in (0, 29):
        one = x[number : number + 1]
        np.testing.assert_array_equal(pool.max_pool(one, *how)[0], y[number])
        np.testing.assert_allclose(pool.avg_pool(one, *how)[0], mean[number])
    out = np.full((2, *x.shape), np.nan, np.float32)
    assert pool.max_pool_grad(x, y, y, *how, out=out[0]).sum() == y.sum()
    np.testing.assert_allclose(pool.avg_pool_grad(x.shape, mean, *how, out=out[1]).sum(), mean.sum(), rtol=1e-5)
    assert not np.isnan(out).any()
    holes = ((1, 1), (2, 3), ((0, 0), (0, 0)))
    np.testing.assert_array_equal(pool.max_pool(x, *holes), x[:, ::2, ::3])


def test_what_does_not_fit_is_named():
    how = ((2, 2), (2, 2), ((0, 0), (0, 0)))
    x, y = np.zeros((1, 4, 4, 1)), np.zeros((1, 2, 2, 1))
    with pytest.raises(InvalidArgumentError, match=r"out_backprop: expected shape \[1, 2, 2, 1\]"):
        pool.max_pool_grad(x, y, x, *how)
    with pytest.raises(InvalidArgumentError, match=r"grad: expected shape \[1, 4, 4, 1\]"):
        pool.max_pool_grad_grad(x, y, y, *how)
    with pytest.raises(InvalidArgumentError, match=r"grad: expected shape \[1, 2, 2, 1\]"):
        pool.avg_pool_grad(x.shape, x, *how)
    for bad in (-1, 16):
        with pytest.raises(InvalidArgumentError, match=rf"argmax index {bad} is not in \[0, 16\)"):
            pool.max_pool_grad_with_argmax(x.shape, y, np.full(y.shape, bad))


def test_lrn_is_that_of_tensorflow():
    x, y, dy, dx = load("lrn", "x", "y", "dy", "dx")
    how = (2, 1.5, 0.3, 0.7)
    np.testing.assert_allclose(lrn(x, *how), y, rtol=1e-5)
    np.testing.assert_allclose(lrn_grad(dy, x, y, *how), dx, rtol=1e-4, atol=1e-6)
    half = x.astype(np.float16)
    np.testing.assert_allclose(lrn(half, *how), y, rtol=2e-3)
    out = np.empty_like(half)
    assert lrn_grad(half, half, half, *how, out=out) is out


def test_argmax_fills_out():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    out = np.empty((1, 2, 2, 1)), np.empty((1, 2, 2, 1), np.int64)
    found = pool.max_pool_with_argmax(x, (2, 2), (2, 2), ((0, 0), (0, 0)), out=out)
    assert (found[0] is out[0], found[1] is out[1]) == (True, True)
    assert out[1].ravel().tolist() == [5, 7, 13, 15]
