"""Native batch normalisation and its gradient give NumPy's numbers, and the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.ops.nn_fused_norm import fused_batch_norm_ex_kernel, relu_grad_batch_norm_grad_kernel
from headrace.engine.ops.nn_norm import fused_batch_norm_grad_kernel, fused_batch_norm_v3_kernel

Native = Callable[..., None]
Arrays = list[np.ndarray[Any, Any]]

SHAPES = [(1, 1, 1, 1), (2, 3, 2, 3), (1, 5, 5, 16), (3, 7, 4, 17), (2, 9, 9, 67), (8, 33, 31, 16), (3, 64, 50, 5)]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def _check(native: Native, op_type: str, inputs: Arrays, attrs: dict[str, Any], expected: Arrays) -> Arrays:
    results = []
    for threads in (1, 2):
        outputs = [np.full(e.shape, 7, np.float32) for e in expected]
        native(op_type, inputs, outputs, attrs, threads)
        results.append(outputs)
    for one, two, wanted in zip(*results, expected, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-4, atol=2e-5 * max(np.nanmax(np.abs(wanted), initial=0), 1))
        assert np.array_equal(one, two, equal_nan=True)
    return results[0]


def _images(shape: tuple[int, ...], special: float | None) -> Arrays:
    rng = np.random.default_rng(6)
    x, dy = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    x += 5
    if special is not None:
        x[-1, -1, -1, 0] = special
    parameters = [rng.uniform(0.5, 2, shape[-1]).astype(np.float32) for _ in range(4)]
    return [x, dy, *parameters]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm(native: Native, shape: tuple[int, ...], training: bool) -> None:
    attrs: dict[str, Any] = {"is_training": training, "epsilon": 0.01, "data_format": "NHWC"}
    x, dy, *parameters = _images(shape, None)
    expected = list(fused_batch_norm_v3_kernel(np, x, *parameters, **attrs))
    _, _, _, mean, variance, rest = _check(native, "FusedBatchNormV3", [x, *parameters], attrs, expected)
    inputs = [dy, x, parameters[0], mean, variance, rest]
    _check(native, "FusedBatchNormGradV3", inputs, attrs, list(fused_batch_norm_grad_kernel(np, *inputs, **attrs)))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_relu_and_addition(native: Native, shape: tuple[int, ...], training: bool) -> None:
    attrs: dict[str, Any] = {"is_training": training, "epsilon": 0.01, "data_format": "NHWC"}
    x, dy, *parameters = _images(shape, None)
    added = x[::-1].copy() - 6
    for side in ([], [added]):
        expected = list(fused_batch_norm_ex_kernel(np, *[x, *parameters, side], **attrs))
        y, _, _, mean, variance, _ = _check(native, "_FusedBatchNormEx", [x, *parameters, *side], attrs, expected)
    inputs = [dy, y, x, parameters[0], mean, variance]
    for keep in (True, False):
        options = {**attrs, "keep_masked": keep}
        expected = list(relu_grad_batch_norm_grad_kernel(np, *inputs, **options))
        _check(native, "_ReluGradFusedBatchNormGrad", inputs, options, expected)


@pytest.mark.parametrize("special", [np.inf, np.nan])
def test_numbers_that_are_not_finite_stay_in_their_channel(native: Native, special: float) -> None:
    attrs: dict[str, Any] = {"is_training": True, "epsilon": 0.01, "data_format": "NHWC"}
    x, _, *parameters = _images((2, 5, 5, 19), special)
    expected = list(fused_batch_norm_v3_kernel(np, x, *parameters, **attrs))
    outputs = [np.full(e.shape, 7, np.float32) for e in expected]
    native("FusedBatchNormV3", [x, *parameters], outputs, attrs)
    np.testing.assert_allclose(outputs[0], expected[0], rtol=1e-4, atol=1e-4)
    assert np.isnan(outputs[0][..., 0]).all() and np.isfinite(outputs[0][..., 1:]).all()
