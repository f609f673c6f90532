"""Pools on the simulated GPU give NumPy's numbers, ties and all."""

import numpy as np
import pytest

from headrace.engine.registry import definition_of

from .nodes import run_node

# images, window, strides, padding
CASES = [
    ((2, 4, 4, 3), (2, 2), (2, 2), "VALID"),
    ((1, 7, 5, 2), (3, 2), (2, 1), "SAME"),
    ((3, 6, 8, 1), (3, 3), (1, 2), "SAME"),
    ((1, 9, 9, 40), (2, 3), (3, 4), "VALID"),
]


def attrs_of(case):
    attrs = {"ksize": [1, *case[1], 1], "strides": [1, *case[2], 1], "padding": case[3]}
    return {**attrs, "data_format": "NHWC"}


def check(result, expected, exact=False):
    if exact:
        np.testing.assert_array_equal(result, expected)
    else:
        tolerance = 1e-3 if result.dtype == np.float16 else 1e-6
        np.testing.assert_allclose(result, expected, tolerance, tolerance)


@pytest.mark.parametrize(
    "dtype",
    [np.float32, pytest.param(np.float64, marks=pytest.mark.long), pytest.param(np.float16, marks=pytest.mark.long)],
)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pools(sim, case, dtype):
    rng, attrs = np.random.default_rng(0), attrs_of(case)
    # Whole numbers: many windows have their largest number several times.
    x = rng.integers(-3, 4, case[0]).astype(dtype)
    for kind in ("MaxPool", "AvgPool"):
        y = np.asarray(definition_of(kind).kernel_function(np, x, **attrs))
        run_node(sim, kind, [x], [out := np.zeros_like(y)], attrs)
        check(out, y, kind == "MaxPool")
    y = np.asarray(definition_of("MaxPool").kernel_function(np, x, **attrs))
    dy, ddx = rng.standard_normal(y.shape).astype(dtype), rng.standard_normal(x.shape).astype(dtype)
    for kind, inputs, like in (
        ("MaxPoolGrad", [x, y, dy], x),
        ("MaxPoolGradGrad", [x, y, ddx], y),
        ("AvgPoolGrad", [np.array(x.shape, np.int32), dy], x),
    ):
        expected = definition_of(kind).kernel_function(np, *inputs, **attrs)
        run_node(sim, kind, inputs, [out := np.zeros_like(like)], attrs)
        check(out, expected)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_with_the_gradient_of_a_relu(ordered_sim, case):
    rng, attrs = np.random.default_rng(1), attrs_of(case)
    x = np.maximum(rng.integers(-3, 4, case[0]), 0).astype(np.float32)
    y = np.asarray(definition_of("MaxPool").kernel_function(np, x, **attrs))
    dy = rng.standard_normal(y.shape).astype(np.float32)
    expected = definition_of("_MaxPoolGradReluGrad").kernel_function(np, x, y, dy, **attrs)
    outputs = [np.zeros_like(x), np.zeros(x.shape[3], np.float32)]
    run_node(ordered_sim, "_MaxPoolGradReluGrad", [x, y, dy], outputs, attrs)
    for out, want in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(out, want, 1e-5, 1e-5)
