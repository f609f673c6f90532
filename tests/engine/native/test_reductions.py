"""Native reductions against NumPy: axes, dtypes, long and short, masks, and that threads change no bit."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from headrace.engine.native import bindings
from headrace.engine.native.bindings.reductions import Reduction, reduce_expression
from headrace.engine.native.calls import BINDINGS, Bound
from headrace.engine.native.library import load
from headrace.engine.native.segment import Segment
from headrace.engine.scalar import trace

LIBRARY = load()
pytestmark = pytest.mark.skipif(isinstance(LIBRARY, str), reason="the native runtime was not built")
assert bindings
F = np.float32


@pytest.fixture(params=["baseline", "avx2", "avx512"])
def library(request):
    from headrace.engine.native import _runtime

    if request.param not in _runtime.instruction_sets():
        pytest.skip("another machine's")
    return replace(LIBRARY, instruction_set=request.param, kernels=_runtime.kernels(request.param))


def carry_out(library, bound, threads=1):
    memory = np.full(bound.scratch_bytes + 64, 0xFF, np.uint8)
    scratch = memory[-memory.__array_interface__["data"][0] % 64 :]
    segment = Segment(library, bound.calls, [0] * len(bound.calls), threads, scratch)
    assert segment.run() == -1


def reduced(library, op_type, x, axes, keep, threads=1, **attrs):
    wanted = {
        "Sum": np.sum,
        "Prod": np.prod,
        "Max": np.max,
        "Min": np.min,
        "Mean": np.mean,
        "All": np.all,
        "Any": np.any,
    }
    whole = x.astype(np.float64) if x.dtype.kind == "f" else x
    expected = wanted[op_type](whole, axis=axes, keepdims=keep)
    out = np.zeros(expected.shape, x.dtype)
    bound = Bound(op_type, [x, np.array(axes, np.int32)], [out], {"keep_dims": keep, **attrs})
    BINDINGS[op_type](bound)
    carry_out(library, bound, threads)
    return out, expected.astype(x.dtype)


SHAPES = [(), (1,), (7,), (70000,), (3, 5), (1, 40), (300, 3), (700, 64), (5, 1030), (40, 3000), (3000, 10), (2, 30, 5)]
SHAPES += [(6, 7, 8, 9), (2, 3, 1, 70), (16, 4, 9, 9)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_axes_and_dtypes(library, shape, dtype):
    rng = np.random.default_rng(1)
    x = np.asarray(rng.normal(size=shape) * 10).astype(dtype)
    for count in range(1 if shape else 0, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            for op_type in ("Sum", "Max", "Min", *(["Mean"] if dtype.startswith("float") else [])):
                found, expected = reduced(library, op_type, x, axes, count % 2 == 0)
                number = math.prod(shape[a] for a in axes)
                close = {"float32": 1e-6, "float64": 1e-13}.get(dtype, 0)
                scale = 0 if op_type in ("Max", "Min") else close * 10 * math.sqrt(number)
                np.testing.assert_allclose(found, expected, rtol=close, atol=scale)


@pytest.mark.parametrize("op_type", ["Sum", "Max", "Min", "Prod", "Mean"])
def test_what_is_not_finite_stays(library, op_type):
    x = np.ones((40, 50), F)
    x[3, 4], x[7, 8], x[9, 1] = np.nan, np.inf, -np.inf
    for axes in ((0,), (1,), (0, 1)):
        with np.errstate(all="ignore"):
            found, expected = reduced(library, op_type, x, axes, False)
        np.testing.assert_array_equal(found, expected)


def test_masks(library):
    rng = np.random.default_rng(2)
    for chance in (0.001, 0.5, 0.999):
        x = rng.random((70, 130)) < chance
        for axes, op_type in itertools.product(((0,), (1,), (0, 1)), ("All", "Any")):
            np.testing.assert_array_equal(*reduced(library, op_type, x, axes, False))


@pytest.mark.parametrize(
    "shape, axes", [((300000,), (0,)), ((900, 700), (0,)), ((700, 900), (1,)), ((50, 60, 70), (0, 2))]
)
def test_threads_change_no_bit_and_sums_are_exact(library, shape, axes):
    x = np.random.default_rng(3).normal(size=shape).astype(F) + 100
    one, expected = reduced(library, "Sum", x, axes, False)
    two, _ = reduced(library, "Sum", x, axes, False, threads=2)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(one, expected, rtol=2e-7)


def test_strided_memory(library):
    x = np.random.default_rng(4).normal(size=(60, 70, 3)).astype(F)
    for y, axes in ((x.transpose(2, 1, 0), (1,)), (x[::2, ::-1], (0, 2)), (np.broadcast_to(x[:1], x.shape), (0,))):
        found, expected = reduced(library, "Sum", y, axes, True)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_values_that_are_kept_as_well(library, axes):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(200, 333)).astype(F), rng.normal(size=333).astype(F)
    product = x * y + x
    kept, out = np.zeros_like(x), np.zeros(product.sum(axes).shape, F)
    bound = Bound("_", [x, y], [out, kept], {})
    reduce_expression(bound, trace(lambda a, b: a * b + a, 2), [x, y], x.shape, axes, Reduction(0, 4.0), out, kept)
    carry_out(library, bound, 2)
    np.testing.assert_allclose(kept, product, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(out, product.sum(axes, np.float64) / 4, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("op_type, data_format, shape", [
    ("BiasAddGrad", "NHWC", (9, 8, 7, 5)), ("BiasAddGrad", "NCHW", (9, 8, 7, 5)), ("L2Loss", "", (70, 90)), ("L2Loss", "", ())
])  # fmt: skip
def test_sums_of_fixed_axes(library, op_type, data_format, shape):
    x = np.asarray(np.random.default_rng(6).normal(size=shape), F)
    expected = (
        np.asarray((x * x).sum() / 2)
        if op_type == "L2Loss"
        else x.sum(tuple({0, 1, 2, 3} - {1 if data_format == "NCHW" else 3}))
    )
    out = np.zeros(expected.shape, F)
    bound = Bound(op_type, [x], [out], {"data_format": data_format})
    BINDINGS[op_type](bound)
    carry_out(library, bound)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_places_of_the_greatest_and_least(library, dtype, axis):
    x = np.random.default_rng(7).integers(-4, 5, (6, 50, 9)).astype(dtype)
    for op_type, function in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
        for wide in (np.int32, np.int64):
            out = np.zeros(np.delete(x.shape, axis), wide)
            bound = Bound(op_type, [x, np.int32(axis)], [out], {})
            BINDINGS[op_type](bound)
            carry_out(library, bound)
            np.testing.assert_array_equal(out, function(x, axis))
