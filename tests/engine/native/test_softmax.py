"""Native softmax and cross entropy give NumPy's numbers, and the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.ops import nn_softmax

Native = Callable[..., None]
Arrays = list[np.ndarray[Any, Any]]

SHAPES = [(1, 1), (3, 5), (2, 16), (4, 17), (0, 6), (7, 33), (300, 257), (40, 5000)]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def _rows(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Normal numbers, with a row that has inf, one with NaN, one of -inf alone, and a large one."""
    x: np.ndarray[Any, Any] = np.random.default_rng(3).standard_normal(shape).astype(np.float32) * 4
    for row, number in enumerate((np.inf, np.nan, -np.inf, 3e4)[: max(len(x) - 1, 0)]):
        x[row, -1] = number
    if len(x) > 5:
        x[4] = -np.inf
    return x


def _check(native: Native, op_type: str, inputs: Arrays, expected: Arrays) -> None:
    results = []
    for threads in (1, 2):
        outputs = [np.full(e.shape, 7, np.float32) for e in expected]
        native(op_type, inputs, outputs, None, threads)
        results.append(outputs)
    for one, two, wanted in zip(*results, expected, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=1e-5)
        assert np.array_equal(one, two, equal_nan=True)


@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 4, 19)], ids=str)
def test_softmax(native: Native, shape: tuple[int, ...]) -> None:
    x = _rows(shape)
    _check(native, "Softmax", [x], [nn_softmax.softmax_kernel(np, x)])
    _check(native, "LogSoftmax", [x], [nn_softmax.log_softmax_kernel(np, x)])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sparse_cross_entropy(native: Native, shape: tuple[int, int], dtype: type[np.signedinteger[Any]]) -> None:
    x, labels = _rows(shape), np.random.default_rng(4).integers(0, shape[1], shape[0]).astype(dtype)
    expected = nn_softmax.sparse_softmax_cross_entropy_kernel(np, x, labels)
    _check(native, "SparseSoftmaxCrossEntropyWithLogits", [x, labels], list(expected))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy(native: Native, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    x, p = _rows(shape), rng.dirichlet(np.ones(shape[1]), shape[0]).astype(np.float32)
    p[rng.random(shape) < 0.3] = 0
    expected = nn_softmax.softmax_cross_entropy_kernel(np, x, p)
    _check(native, "SoftmaxCrossEntropyWithLogits", [x, p], list(expected))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_scaled_gradients(native: Native, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    x, labels = _rows(shape), rng.integers(0, shape[1], shape[0])
    p = rng.dirichlet(np.ones(shape[1]), shape[0]).astype(np.float32)
    for scale in (rng.standard_normal((shape[0], 1)).astype(np.float32), np.array(0.25, np.float32)):
        loss, gradient = nn_softmax.sparse_softmax_cross_entropy_kernel(np, x, labels)
        op_type = "SoftmaxCrossEntropyWithLogits"
        _check(native, f"_ScaledSparse{op_type}", [x, labels, scale], [loss, gradient * scale])
        loss, gradient = nn_softmax.softmax_cross_entropy_kernel(np, x, p)
        _check(native, f"_Scaled{op_type}", [x, p, scale], [loss, gradient * scale])
