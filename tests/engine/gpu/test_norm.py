"""Batch and layer normalisation on the simulated GPU give NumPy's numbers."""

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.registry import definition_of

from .nodes import all_attrs, run_node

SHAPES = [(2, 3, 4, 5), (1, 1, 1, 3), (3, 9, 8, 70)]
DTYPES = [
    (np.float32, np.float32),
    pytest.param((np.float16, np.float32), marks=pytest.mark.long),
    pytest.param((np.float64, np.float64), marks=pytest.mark.long),
    pytest.param((ml_dtypes.bfloat16, np.float32), marks=pytest.mark.long),
]


def drawn(shape, dtype, seed=0, mean=3.0):
    return (np.random.default_rng(seed).standard_normal(shape) + mean).astype(dtype)


def kernel_of(op_type, inputs, attrs):
    values = {k: v for k, v in all_attrs(op_type, attrs).items() if k not in ("T", "U", "num_side_inputs")}
    return [np.asarray(x) for x in definition_of(op_type).kernel_function(np, *inputs, **values)]


def check(results, expected):
    for result, want in zip(results, expected, strict=True):
        tolerance = {"bfloat16": 3e-2, "float16": 4e-3, "float32": 2e-5, "float64": 1e-12}[result.dtype.name]
        wanted = want.astype(np.float64)
        largest = max(1, np.abs(wanted).max(initial=0))
        np.testing.assert_allclose(result.astype(np.float64), wanted, tolerance, tolerance * largest)


@pytest.mark.parametrize("dtypes", DTYPES, ids=lambda d: np.dtype(d[0]).name)
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(ordered_sim, dtypes, training):
    for shape in SHAPES:
        x, dy = drawn(shape, dtypes[0], 1), drawn(shape, dtypes[0], 2, 0)
        parameters = [np.abs(drawn(shape[-1:], dtypes[1], 3 + i)) + 0.5 for i in range(4)]
        attrs = {"is_training": training, "epsilon": 0.01}
        expected = kernel_of("FusedBatchNormV3", [x, *parameters], attrs)
        outputs = [np.zeros_like(e) for e in expected]
        run_node(ordered_sim, "FusedBatchNormV3", [x, *parameters], outputs, attrs)
        check(outputs, expected)
        inputs = [dy, x, parameters[0], *(expected[3:5] if training else parameters[2:]), np.zeros(0, dtypes[1])]
        expected = kernel_of("FusedBatchNormGradV3", inputs, attrs)
        outputs = [np.zeros_like(e) for e in expected]
        run_node(ordered_sim, "FusedBatchNormGradV3", inputs, outputs, attrs)
        check(outputs, expected)


@pytest.mark.parametrize("side", [True, False])
def test_with_a_relu(sim, side):
    for shape in SHAPES:
        x, dy = drawn(shape, np.float32, 1), drawn(shape, np.float32, 2)
        parameters = [np.abs(drawn(shape[-1:], np.float32, 3 + i)) for i in range(4)]
        added = [drawn(shape, np.float32, 9)] if side else []
        expected = kernel_of("_FusedBatchNormEx", [x, *parameters, added], {})
        outputs = [np.zeros_like(e) for e in expected]
        run_node(sim, "_FusedBatchNormEx", [x, *parameters, *added], outputs)
        check(outputs, expected)
        attrs = {"keep_masked": side}
        inputs = [dy, expected[0], x, parameters[0], *expected[3:5]]
        expected = kernel_of("_ReluGradFusedBatchNormGrad", inputs, attrs)
        outputs = [np.zeros_like(e) for e in expected]
        run_node(sim, "_ReluGradFusedBatchNormGrad", inputs, outputs, attrs)
        check(outputs, expected)


def test_means_far_from_zero(sim):
    x = drawn((4, 8, 8, 3), np.float32, 1, 5000.0)
    parameters = [np.ones(3, np.float32)] * 4
    exact = kernel_of("FusedBatchNorm", [x.astype(np.float64), *(p.astype(np.float64) for p in parameters)], {})
    outputs = [np.zeros_like(x), *(np.zeros(3, np.float32) for _ in range(4))]
    run_node(sim, "FusedBatchNorm", [x, *parameters], outputs)
    np.testing.assert_allclose(outputs[4], exact[4], 1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 64), (3, 1500), (200, 33), (4,)])
def test_layer_norm(ordered_sim, shape, dtype):
    x, dy = drawn(shape, dtype, 1), drawn(shape, dtype, 2, 0)
    scale, offset = drawn(shape[-1:], dtype, 3), drawn(shape[-1:], dtype, 4)
    expected = kernel_of("LayerNormalization", [x, scale, offset], {"epsilon": 1e-3})
    outputs = [np.zeros_like(e) for e in expected]
    run_node(ordered_sim, "LayerNormalization", [x, scale, offset], outputs, {"epsilon": 1e-3})
    check(outputs, expected)
    inputs = [dy, x, scale, *expected[1:]]
    expected = kernel_of("LayerNormalizationGrad", inputs, {})
    outputs = [np.zeros_like(e) for e in expected]
    run_node(ordered_sim, "LayerNormalizationGrad", inputs, outputs)
    check(outputs, expected)
