"""Native layer normalisation and its gradient give NumPy's numbers, and the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.ops.nn_layer_norm import layer_normalization_grad_kernel, layer_normalization_kernel

Native = Callable[..., None]
Arrays = list[np.ndarray[Any, Any]]

SHAPES = [(1,), (1, 1), (2, 3, 7), (5, 16), (3, 4, 33), (700, 128), (9, 3000)]


def _check(native: Native, op_type: str, inputs: Arrays, attrs: dict[str, Any], expected: Arrays) -> Arrays:
    results = []
    for threads in (1, 2):
        outputs = [np.full(e.shape, 7, np.float32) for e in expected]
        native(op_type, inputs, outputs, attrs, threads)
        results.append(outputs)
    for one, two, wanted in zip(*results, expected, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-4, atol=2e-5 * np.nanmax(np.abs(wanted), initial=1))
        assert np.array_equal(one, two, equal_nan=True)
    return results[0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("special", [None, np.inf, np.nan], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layer_norm(native: Native, shape: tuple[int, ...], special: float | None) -> None:
    rng = np.random.default_rng(6)
    x, dy = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    scale, offset = (rng.uniform(0.5, 2, shape[-1]).astype(np.float32) for _ in range(2))
    x += 3
    if special is not None:
        x[(0,) * len(shape)] = special
    expected = list(layer_normalization_kernel(np, x, scale, offset, epsilon=0.01))
    _, mean, inverse = _check(native, "LayerNormalization", [x, scale, offset], {"epsilon": 0.01}, expected)
    values = [dy, x, scale, mean, inverse]
    _check(native, "LayerNormalizationGrad", values, {}, list(layer_normalization_grad_kernel(np, *values)))
