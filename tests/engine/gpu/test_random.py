"""Random numbers of the simulated GPU are the CPU's."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.dtypes import as_dtype
from headrace.engine.registry import definition_of
from headrace.engine.resources import ResourceStore

from .nodes import run_node

SHAPES = [(7,), (3, 700), (0,), ()]
SEEDS = {"seed": 3, "seed2": 4}


def context():
    return SimpleNamespace(resources=ResourceStore(), name="drawn", attrs=SEEDS)


def check(out, expected, exact):
    if exact:
        np.testing.assert_array_equal(out, expected)
    else:
        np.testing.assert_allclose(out.astype(np.float64), expected.astype(np.float64), rtol=2e-7, atol=1e-12)


@pytest.mark.parametrize("kind", ["RandomUniform", "RandomStandardNormal", "TruncatedNormal"])
@pytest.mark.parametrize(
    "dtype",
    [
        np.float32,
        np.float64,
        pytest.param(np.float16, marks=pytest.mark.long),
        pytest.param(ml_dtypes.bfloat16, marks=pytest.mark.long),
    ],
)
def test_floats(sim, kind, dtype):
    for shape in SHAPES:
        own, other = context(), context()
        sizes = np.array(shape, np.int32)
        for _ in range(2):
            out = np.zeros(shape, dtype)
            run_node(sim, kind, [sizes], [out], {"dtype": as_dtype(dtype), **SEEDS}, context=own)
            expected = definition_of(kind).state_function(other, sizes, dtype=as_dtype(dtype), **SEEDS)
            check(out, expected, kind == "RandomUniform")


@pytest.mark.parametrize("kind", ["StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"])
def test_functions_of_a_seed(sim, kind):
    for seed in (np.array([3, -4]), np.array([2**31 - 1, -7], np.int32)):
        sizes, out = np.array([9, 5]), np.zeros((9, 5), np.float32)
        run_node(sim, kind, [sizes, seed], [out], {"dtype": as_dtype(np.float32)})
        expected = definition_of(kind).kernel_function(np, sizes, seed, dtype=as_dtype(np.float32))
        check(out, expected, kind == "StatelessRandomUniform")


@pytest.mark.parametrize(("dtype", "low", "high"), [(np.int32, -5, 7), (np.int64, 0, 2**40), (np.int32, -(2**31), 5)])
def test_integers(sim, dtype, low, high):
    sizes, bounds = np.array([30, 5], np.int32), [np.array(low, dtype), np.array(high, dtype)]
    out = np.zeros((30, 5), dtype)
    run_node(sim, "RandomUniformInt", [sizes, *bounds], [out], SEEDS, context=context())
    expected = definition_of("RandomUniformInt").state_function(context(), sizes, *bounds, **SEEDS)
    np.testing.assert_array_equal(out, expected)
    seed = np.array([5, 6])
    run_node(sim, "StatelessRandomUniformInt", [sizes, seed, *bounds], [out])
    expected = definition_of("StatelessRandomUniformInt").kernel_function(np, sizes, seed, *bounds)
    np.testing.assert_array_equal(out, expected)


def test_an_empty_range_fails(sim):
    inputs = [np.array([3], np.int32), np.array(4), np.array(4)]
    run_node(sim, "RandomUniformInt", inputs, [np.zeros(3, np.int64)], SEEDS, context=context(), fails=True)
