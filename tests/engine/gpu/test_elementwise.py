"""Element-wise kernels on the simulated GPU: how arrays lie against each other, in place, ops without rules, failures."""

import itertools
import math

import ml_dtypes
import numpy as np

from headrace.engine.gpu.bindings.elementwise import chain
from headrace.engine.scalar import call, trace, where

from .launching import Case, run, run_all, run_op, run_together

F = np.float32
RULE = trace(lambda x, y: where(x * y + 3 > y, call("maximum", x + y, 0) * x, -y), 2)
SHAPES = [
    [(), ()],
    [(0, 3), (3,)],
    [(7,), ()],
    [(33, 5), (5,)],
    [(33, 8), (8,)],
    [(33, 8), (33, 1)],
    [(6, 5, 12), (5, 12)],
    [(6, 5, 12), (6, 1, 12)],
    [(3, 4, 9, 16), (3, 1, 9, 1)],
    [(64, 1), (1, 40)],
    [(2, 1, 3, 1, 4, 1), (1, 2, 1, 3, 1, 2)],
    [(300, 70), (70,)],
]


def values(device, cases):
    """The values of (expression, inputs) by kernels that are compiled together."""
    outs = [np.zeros(e.shape, e.dtype) for e in (expected_of(*case) for case in cases)]
    run_together(device, [chained(device, *case, out) for case, out in zip(cases, outs, strict=True)])
    return outs


def chained(device, expression, inputs, out):
    return Case(device, lambda b: chain(b, expression, b.inputs, b.outputs[0]), inputs, [out])


def assert_values(device, cases):
    for found, case in zip(values(device, cases), cases, strict=True):
        np.testing.assert_array_equal(found, expected_of(*case))


def expected_of(expression, inputs):
    with np.errstate(all="ignore"):
        return np.asarray(expression.evaluate(*inputs))


def test_broadcasting(sim):
    rng, cases = np.random.default_rng(5), []
    for shapes, dtype in itertools.product(SHAPES, ("float32", "int64")):
        pair = [np.asarray(rng.integers(-9, 9, s)).astype(dtype) for s in shapes]
        cases += [(RULE, pair), (RULE, pair[::-1])]
    assert_values(sim, cases)


def test_lengths_and_unaligned_memory(sim):
    cases, made = [], []
    for length in (1, 3, 4, 5, 1023, 70001):
        memory = np.random.default_rng(length).normal(size=2 * length + 9).astype(F)
        for start in (0, 1, 4):
            x, y = memory[start : start + length], memory[4 + length : 4 + 2 * length]
            out = np.full(length + 8, 7, F)
            cases.append(chained(sim, RULE, [x, y], out[4:-4]))
            made.append((out, expected_of(RULE, [x, y])))
    run_together(sim, cases)
    for out, expected in made:
        np.testing.assert_array_equal(out[4:-4], expected)
        assert (out[:4] == 7).all() and (out[-4:] == 7).all()


def test_strides_masks_and_in_place(sim):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(20, 12, 3)).astype(F)
    turned, mask = x.transpose(2, 1, 0), rng.random((3, 12, 20)) > 0.5
    both = trace(lambda m, x, y: where(call("logical_and", m, x < y), x, y * 2), 3)
    y = rng.normal(size=turned.shape).astype(F)
    expected = expected_of(both, [mask, turned, y])
    run(sim, lambda b: chain(b, both, b.inputs, b.inputs[2]), [mask, turned, y], [])
    np.testing.assert_array_equal(y, expected)
    square = trace(lambda x: x * x, 1)
    views = (x[::2, ::-1, ::2], x[:, :, 1], x[::-1], np.broadcast_to(x[:, :1], x.shape))
    assert_values(sim, [(square, [view]) for view in views])


def test_random_shapes_and_strides(sim):
    rng, cases = np.random.default_rng(11), []
    for _ in range(25):
        rank = int(rng.integers(1, 4))
        sizes = tuple(int(n) for n in rng.choice([1, 2, 3, 4, 8, 12], rank))
        inputs = []
        for _ in range(2):
            own = tuple(n if rng.random() < 0.7 else 1 for n in sizes)
            wide = rng.normal(size=tuple(2 * n for n in own)).astype(F)
            turned = wide[tuple(slice(0, n, 1) if rng.random() < 0.5 else slice(None, None, 2) for n in own)]
            inputs.append(turned[tuple(slice(None, None, int(rng.choice([1, -1]))) for _ in own)])
        cases.append((RULE, inputs))
    assert_values(sim, cases)


def test_nothing_is_written_once_a_step_failed(sim):
    variable, step = np.arange(6, dtype=F), np.ones(6, F)
    run_op(sim, "AssignAdd", [variable, step], [], known=False, failed=True)
    np.testing.assert_array_equal(variable, np.arange(6))
    run_op(sim, "AssignAdd", [variable, step], [], known=False)
    run_op(sim, "AssignSubVariableOp", [variable, 3 * step], [], known=False)
    np.testing.assert_array_equal(variable, np.arange(6) - 2)


def test_integers_divided_by_zero_fail(sim):
    x, zero = np.array([7, -7, 5], np.int32), np.array([2, 0, 3], np.int32)
    for op_type in ("FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod", "Div"):
        run_op(sim, op_type, [x, zero], [np.zeros(3, np.int32)], fails=True)
    run_op(sim, "Pow", [x, zero - 1], [np.zeros(3, np.int32)], fails=True)
    for bad in (np.nan, np.inf, -np.inf):
        run_op(sim, "CheckNumerics", [np.array([1, bad], F)], [np.zeros(2, F)], {"message": ""}, fails=True)
    out = np.zeros(3, np.int32)
    run_op(sim, "FloorDiv", [x, np.array([2, 2, -2], np.int32)], [out])
    np.testing.assert_array_equal(out, [3, -4, -3])


def test_ops_without_rules(sim):
    rng = np.random.default_rng(9)
    parts = [rng.normal(size=(31, 7)).astype(F) for _ in range(30)]
    x = parts[0]
    cases = [
        ("AddN", parts, sum(parts[1:], x), {}),
        ("AddN", [x], x, {}),
        ("Select", [x[:, 0] > 0, x, parts[1]], np.where(x[:, :1] > 0, x, parts[1]), {}),
        ("Select", [x > 0, x, parts[1]], np.where(x > 0, x, parts[1]), {}),
        ("ClipByValue", [x, F(-0.5), F(0.5)], x.clip(-0.5, 0.5), {}),
        ("BiasAdd", [x, x[0]], x + x[0], {}),
        ("BiasAdd", [x[None, :, :, None], x[:, 0]], (x + x[:, :1])[None, :, :, None], {"data_format": "NCHW"}),
        ("Cast", [x], x.astype(np.int32), {}),
        ("Round", [x], np.rint(x), {}),
        ("Erf", [x], np.vectorize(math.erf)(x).astype(F), {}),
        ("Lgamma", [np.abs(x)], np.vectorize(math.lgamma)(np.abs(x)).astype(F), {}),
        ("ApproximateEqual", [x, x + F(1e-6)], np.ones(x.shape, bool), {}),
        ("ComplexAbs", [x + 1j * x], np.abs(x + 1j * x), {}),
        ("LeftShift", [np.arange(9), np.arange(9) * 10], np.arange(9) << np.clip(np.arange(9) * 10, 0, 63), {}),
        ("Cast", [x.astype(ml_dtypes.bfloat16)], x.astype(ml_dtypes.bfloat16).astype(np.float64), {}),
    ]
    work = [
        (op_type, [np.asarray(v) for v in inputs], [np.zeros(expected.shape, expected.dtype)], attrs)
        for op_type, inputs, expected, attrs in cases
    ]
    for (out,), (op_type, _, expected, _) in zip(run_all(sim, work), cases, strict=True):
        np.testing.assert_allclose(out, expected, 1e-5, 1e-6, err_msg=op_type)
