"""Softmax and cross entropy on the simulated GPU give NumPy's numbers, in rows of a warp and of a block."""

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.registry import definition_of

from .nodes import run_node

SHAPES = [(3, 7), (2, 3, 33), (9, 1), (0, 4), (2, 1500)]
TOLERANCES = {"float32": 2e-6, "float64": 1e-13, "float16": 2e-3, "bfloat16": 1e-2}


def drawn(shape, dtype, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * 4).astype(dtype)


def check(results, expected):
    for result, want in zip(results, expected, strict=True):
        tolerance = TOLERANCES[result.dtype.name]
        np.testing.assert_allclose(
            result.astype(np.float64), np.asarray(want, np.float64), tolerance * 4, tolerance, equal_nan=True
        )


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize(
    "dtype",
    [
        np.float32,
        np.float16,
        pytest.param(np.float64, marks=pytest.mark.long),
        pytest.param(ml_dtypes.bfloat16, marks=pytest.mark.long),
    ],
)
def test_softmax(ordered_sim, op_type, dtype):
    for shape in SHAPES:
        x = drawn(shape, dtype)
        out = np.zeros_like(x)
        run_node(ordered_sim, op_type, [x], [out])
        check([out], [definition_of(op_type).kernel_function(np, x)])


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
def test_rows_that_are_not_finite(sim, op_type):
    x = np.array([[1, -np.inf, 2], [-np.inf] * 3, [0, np.inf, 1], [np.nan, 0, 1]], np.float32)
    out = np.zeros_like(x)
    run_node(sim, op_type, [x], [out])
    with np.errstate(all="ignore"):
        check([out], [definition_of(op_type).kernel_function(np, x)])


@pytest.mark.parametrize(
    "dtype",
    [np.float32, pytest.param(np.float64, marks=pytest.mark.long), pytest.param(np.float16, marks=pytest.mark.long)],
)
@pytest.mark.parametrize("scaled", ["", "number", "rows"])
def test_cross_entropy(ordered_sim, dtype, scaled):
    for rows, n in ((5, 10), (3, 2000), (0, 4)):
        x = drawn((rows, n), dtype)
        scale = {"": [], "number": [np.asarray(0.5, dtype)], "rows": [drawn((rows, 1), dtype, 3)]}[scaled]
        prefix = "_Scaled" if scaled else ""
        dense = np.random.default_rng(1).dirichlet(np.ones(n), rows).astype(dtype)
        for op_type, labels in (
            (f"{prefix}SoftmaxCrossEntropyWithLogits", dense),
            (f"{prefix}SparseSoftmaxCrossEntropyWithLogits", np.arange(rows, dtype=np.int64) * 3 % n),
            (f"{prefix}SparseSoftmaxCrossEntropyWithLogits", np.arange(rows, dtype=np.int32) * 3 % n),
        ):
            out = [np.zeros(rows, dtype), np.zeros((rows, n), dtype)]
            run_node(ordered_sim, op_type, [x, labels, *scale], out)
            check(out, definition_of(op_type).kernel_function(np, x, labels, *scale))


@pytest.mark.parametrize("bad", [-1, 4])
def test_labels_out_of_range_fail(sim, bad):
    x, labels = drawn((3, 4), np.float32), np.array([0, bad, 1])
    run_node(sim, "SparseSoftmaxCrossEntropyWithLogits", [x, labels], [np.zeros(3, np.float32), x * 0], fails=True)
