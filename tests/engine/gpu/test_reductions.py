"""Reductions and scans on the simulated GPU against NumPy: any axes and strides, long and short, in every order of threads."""

import itertools

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.gpu.bindings.reductions import Reduction, reduce_expression
from headrace.engine.registry import definition_of
from headrace.engine.scalar import trace

from .launching import run, run_all, run_op

F = np.float32
DTYPES = ["int8", "uint8", "int32", "int64", "float16", "float32", "float64", "complex64"]
DTYPES.append(ml_dtypes.bfloat16)
TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 3e-5, "complex64": 3e-5}


def expected_of(op_type, x, *inputs, **attrs):
    exact = x.astype(np.float64) if x.dtype == F else x
    with np.errstate(all="ignore"):
        return np.asarray(definition_of(op_type).kernel_function(np, exact, *inputs, **attrs)).astype(x.dtype)


def check(device, *cases):
    """Reductions (op type, x, axes) against NumPy's."""
    work, expected = [], []
    for op_type, x, axes, *keep in cases:
        attrs = {"keep_dims": bool(keep)}
        expected.append(expected_of(op_type, x, np.array(axes, np.int32), **attrs))
        out = np.zeros(expected[-1].shape, x.dtype)
        work.append((op_type, [x, np.array(axes, np.int32)], [out], attrs))
    for (out,), wanted, (op_type, x, axes, *_) in zip(run_all(device, work), expected, cases, strict=True):
        assert_close(out, wanted, f"{op_type} of {x.dtype} {x.shape} over {axes}")


def assert_close(found, expected, what=""):
    tolerance = TOLERANCE.get(expected.dtype.name, 1e-12)
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(found, expected, what)
    else:
        wide = np.complex128 if expected.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(found.astype(wide), expected.astype(wide), tolerance, tolerance, err_msg=what)


def numbers(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.8
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 9, shape).astype(dtype)
    if dtype == "complex64":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


@pytest.mark.parametrize("op_type", ["Sum", "Max"])
def test_any_axes_in_every_order(ordered_sim, op_type):
    x = numbers((3, 5, 4, 7), "float32")
    every = [axes for count in range(5) for axes in itertools.combinations(range(4), count)]
    check(ordered_sim, *((op_type, x, axes) for axes in every), (op_type, x, [-1, 1], "kept"))


LONG_AND_SHORT = [
    ((3, 1023), 1), ((2, 5000), 1), ((40000,), 0), ((1030, 3), 0), ((70, 100), 0), ((9000, 40), 0), ((2, 3000, 5), 1)
]  # fmt: skip


def test_long_and_short(ordered_sim):
    arrays = [(numbers(shape, "float32"), axis) for shape, axis in LONG_AND_SHORT]
    check(ordered_sim, *((op_type, x, [axis]) for x, axis in arrays for op_type in ("Sum", "Max")))
    check_places(ordered_sim, [(op_type, x, axis, "int64") for x, axis in arrays for op_type in ("ArgMax", "ArgMin")])


def check_places(device, cases):
    work = []
    for op_type, x, axis, name in cases:
        work.append((op_type, [x, np.int32(axis)], [np.zeros(np.delete(x.shape, axis), name)], {"output_type": None}))
    for (out,), (op_type, x, axis, _) in zip(run_all(device, work), cases, strict=True):
        plain = np.where(np.isnan(x), -np.inf if op_type == "ArgMax" else np.inf, x)
        np.testing.assert_array_equal(out, getattr(np, op_type.lower())(plain, axis))


@pytest.mark.parametrize("dtypes", [["int32", "float16", "float32"], pytest.param(DTYPES, marks=pytest.mark.long)])
def test_dtypes(sim, dtypes):
    cases = []
    for dtype in dtypes:
        for op_type in ("Sum", "Mean", "Prod", "Max", "Min", "EuclideanNorm"):
            x = numbers((6, 9 if op_type == "Prod" else 33), dtype)
            if dtype != "complex64" or op_type in ("Sum", "Mean", "Prod"):
                cases += [(op_type, x, [0]), (op_type, x, [1])]
    check(sim, *cases)


def test_truth_values(sim):
    x = numbers((9, 4), "bool")
    check(sim, *((op_type, x, axes) for op_type in ("All", "Any") for axes in ([0], [1], [0, 1], [])))


def test_of_nothing(sim):
    cases = []
    for op_type, dtype in itertools.product(["Sum", "Mean", "Prod", "Max", "Min"], ["float32", "int32"]):
        wide, high = np.zeros((2, 0), dtype), np.zeros((0, 3), dtype)
        cases += [(op_type, wide, [1]), (op_type, high, [0]), (op_type, wide, [0])]
    check(sim, *cases)


def test_nan_strides_and_broadcasting(sim):
    x = numbers((6, 8, 5), "float32")
    x[2, 3, 1] = np.nan
    views = (x.transpose(2, 0, 1), x[::2, ::-1], x[:, :, 2], np.broadcast_to(x[:, :1], x.shape), x[None, :, :1])
    check(sim, *((op, v, axes) for v in views for axes in ([0], [1], [0, 1]) for op in ("Max", "Sum")))


def test_places_of_ties_and_nan(sim):
    nan, inf = np.nan, np.inf
    rows = np.array(
        [[1, 3, 3, 2], [nan, 2, -1, 2], [nan, nan, nan, nan], [nan, -inf, -inf, nan], [inf, inf, 1, nan]], F
    )
    whole = np.nan_to_num(rows, posinf=9, neginf=-9).astype(np.int32)
    check_places(sim, list(itertools.product(("ArgMax", "ArgMin"), (rows, whole), (0, 1), ("int32", "int64"))))


def test_long_sums_are_exact_enough(sim):
    x = np.random.default_rng(1).random(300_000).astype(F) + F(1)
    out = np.zeros((), F)
    run_op(sim, "Sum", [x, np.int32(0)], [out])
    np.testing.assert_allclose(out, x.sum(dtype=np.float64), 1e-6)


def test_expressions_and_sums_over_channels(sim):
    x, y = numbers((6, 50), "float32"), numbers((50,), "float32", 1)
    rule, out = trace(lambda x, y: x * y + 1, 2), np.zeros(6, F)
    reduction = Reduction("sum_of", np.dtype(F), "x / 2")
    run(sim, lambda b: reduce_expression(b, rule, b.inputs, (6, 50), (1,), reduction, b.outputs[0]), [x, y], [out])
    assert_close(out, (x * y + 1).sum(1) / 2)
    half = np.zeros((), F)
    run_op(sim, "L2Loss", [x], [half])
    assert_close(half, np.square(x).sum() / 2)
    images = numbers((2, 3, 4, 5), "float32")
    for layout, axes in (("NHWC", (0, 1, 2)), ("NCHW", (0, 2, 3))):
        out = np.zeros(5 if layout == "NHWC" else 3, F)
        run_op(sim, "BiasAddGrad", [images], [out], {"data_format": layout})
        assert_close(out, images.sum(axes))


def check_scans(device, cases):
    work = [(op_type, [x, np.int32(axis)], [np.zeros_like(x)], attrs) for op_type, x, axis, attrs in cases]
    for (out,), (op_type, x, axis, attrs) in zip(run_all(device, work), cases, strict=True):
        assert_close(out, expected_of(op_type, x, axis, **attrs), f"{op_type} of {x.dtype} {x.shape}")


WAYS = [{"exclusive": e, "reverse": r} for e in (False, True) for r in (False, True)]


def test_scans(ordered_sim):
    arrays = [(1 + 0.1 * numbers(shape, "float32")).astype(F) for shape in [(3, 5, 2), (2, 700), (300, 3), (0, 4)]]
    check_scans(ordered_sim, list(itertools.product(("Cumsum", "Cumprod"), arrays, (0, -1), WAYS)))


def test_scans_of_other_dtypes(sim):
    arrays = [numbers((4, 9), dtype) for dtype in ("int8", "int64", "float16", "float64")]
    check_scans(sim, [("Cumsum", x, 1, WAYS[0]) for x in arrays])
