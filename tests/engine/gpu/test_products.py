"""Matrix products and what follows them on the simulated GPU: transposed, strided and broadcast factors, every dtype."""

import itertools

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.dtypes import float32
from headrace.engine.gpu.bindings.products import multiply
from headrace.engine.ops.fused_matmul import STEPS, UNARY, step_expression
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

from .launching import run, run_all, run_op

F = np.float32


def drawn(*shape, dtype=F, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ml_dtypes.bfloat16])
def test_transposed_factors(sim, dtype):
    a, b = drawn(5, 7, dtype=dtype), drawn(7, 3, dtype=dtype, seed=1)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    tolerance = {2: 2e-2, 4: 1e-5, 8: 1e-12}[a.dtype.itemsize]
    for ta, tb in itertools.product((False, True), repeat=2):
        out = np.zeros((5, 3), dtype)
        factors = [a.T.copy() if ta else a, b.T.copy() if tb else b]
        run_op(sim, "MatMul", factors, [out], {"transpose_a": ta, "transpose_b": tb})
        np.testing.assert_allclose(out.astype(np.float64), expected, tolerance, tolerance)


def test_strided_factors_and_odd_shapes(sim):
    wide = drawn(20, 30, 4)
    factors = [
        (wide[:6, :8, 0], wide[:8, :5, 1]),
        (wide[:6, 0], wide[0, :4].T),
        (wide[::2, ::3, 2], wide[:10, :1, 3]),
        (wide[:1, :9, 1], wide[3:12, 5, :]),
        (wide[::-1, :3, 0], np.broadcast_to(wide[:3, :1, 0], (3, 6))),
        (wide[:4, :0, 0], wide[:0, :5, 0]),
        (wide[:0, :4, 0], wide[:4, :5, 0]),
        (wide[:1, :1, 0], wide[:1, :1, 1]),
    ]
    work = [("MatMul", [a, b], [np.full((len(a), b.shape[1]), 7, F)], {}) for a, b in factors]
    for (out,), (a, b) in zip(run_all(sim, work), factors, strict=True):
        np.testing.assert_allclose(out, a @ b, 1e-5, 1e-5)


def test_batches(sim):
    shapes = [
        ((2, 3, 4), (2, 4, 5)),
        ((2, 3, 2, 3, 4), (2, 3, 2, 4, 5)),
        ((3, 1, 3, 4), (2, 4, 5)),
        ((3, 4), (6, 4, 2)),
        ((2, 1, 3, 4), (1, 5, 4, 2)),
        ((0, 3, 4), (0, 4, 5)),
    ]
    work = []
    for (a, b), adj_x in itertools.product(shapes, (False, True)):
        x, y = drawn(*a), drawn(*b, seed=1)
        out = x @ y
        first = x.swapaxes(-1, -2).copy() if adj_x else x
        work.append(("BatchMatMulV2", [first, y], [np.zeros_like(out)], {"adj_x": adj_x}))
        work.append(
            ("BatchMatMulV2", [first, y.swapaxes(-1, -2)], [np.zeros_like(out)], {"adj_x": adj_x, "adj_y": True})
        )
    for (out,), (_, (x, y), _, attrs) in zip(run_all(sim, work), work, strict=True):
        x, y = (v.swapaxes(-1, -2) if attrs.get(n) else v for v, n in ((x, "adj_x"), (y, "adj_y")))
        np.testing.assert_allclose(out, x @ y, 1e-5, 1e-5)


CHAINS = [
    ["AddV2"],
    ["AddV2", "Relu"],
    ["Relu"],
    ["AddV2", "Tanh", "Mul"],
    ["AddV2", "Relu", "AddV2", "LeakyRelu"],
    ["SigmoidGrad", "Elu"],
    ["ReluGrad", "TanhGrad", "Selu", "AddV2"],
]


@pytest.mark.parametrize("operand", [(6,), (1, 6), (5, 1), (), (5, 6)], ids=str)
def test_what_follows_a_product(sim, operand):
    a, b = drawn(5, 4), drawn(4, 6, seed=1)
    work, wanted = [], []
    kernel = definition_of("_FusedMatMul").kernel_function
    for steps in CHAINS:
        operands = [drawn(*operand, seed=i) for i, step in enumerate(steps) if step not in UNARY]
        alphas = [0.3] * len(steps)
        rules = [step_expression(step, 0.3, float32) for step in steps]
        attrs = {"transpose_a": False, "transpose_b": False, "steps": steps, "alphas": alphas}
        wanted.append(kernel(np, a, b, operands, **attrs))
        work.append(("_FusedMatMul", [a, b, *operands], [np.zeros((5, 6), F)], {**attrs, "rules": rules}))
    for (out,), expected, steps in zip(run_all(sim, work), wanted, CHAINS, strict=True):
        np.testing.assert_allclose(out, expected, 2e-5, 2e-5, err_msg=str(steps))
    assert {step for steps in CHAINS for step in steps} <= set(STEPS)


def test_nan_passes_through_relu(sim):
    a, b, bias = drawn(3, 4), drawn(4, 5, seed=1), np.zeros(5, F)
    a[1] = np.nan
    for steps, operands in ((["Relu"], []), (["AddV2", "Relu"], [bias])):
        rules = [step_expression(step, 0.0, float32) for step in steps]
        attrs = {
            "transpose_a": False,
            "transpose_b": False,
            "steps": steps,
            "alphas": [0.0] * len(steps),
            "rules": rules,
        }
        out = np.zeros((3, 5), F)
        run_op(sim, "_FusedMatMul", [a, b, *operands], [out], attrs)
        assert np.isnan(out[1]).all() and not np.isnan(out[[0, 2]]).any()


def fused(steps):
    rules = [step_expression(step, 0.0, float32) for step in steps]
    return {"transpose_a": False, "transpose_b": False, "steps": steps, "alphas": [0.0] * len(steps), "rules": rules}


def test_what_the_library_cannot_do_after_a_product_is_done_by_a_kernel(sim):
    """A bias that begins anywhere, or of float32 after 16-bit factors."""
    a, b, several = drawn(5, 4), drawn(4, 6, seed=1), drawn(9, seed=2)
    for bias in (several[1:7], several[:6]):
        for steps, wanted in ((["AddV2"], a @ b + bias), (["AddV2", "Relu"], np.maximum(a @ b + bias, 0))):
            out = np.zeros((5, 6), F)
            run_op(sim, "_FusedMatMul", [a, b, bias], [out], fused(steps))
            np.testing.assert_allclose(out, wanted, 1e-5, 1e-5)
    narrow, out = [x.astype(ml_dtypes.bfloat16) for x in (a, b)], np.zeros((5, 6), F)
    run_op(sim, "_FusedMatMul", [*narrow, several[:6]], [out], fused(["AddV2", "Relu"]))
    wanted = np.maximum(narrow[0].astype(F) @ narrow[1].astype(F) + several[:6], 0)
    np.testing.assert_allclose(out, wanted, 1e-5, 1e-5)


def test_multiples_and_what_there_is_no_product_for(sim):
    a, b, c = drawn(3, 4), drawn(4, 5, seed=1), drawn(3, 5, seed=2)
    expected = 0.5 * (a @ b) + 2 * c
    run(sim, lambda x: multiply(x, *x.inputs, x.outputs[0], alpha=0.5, beta=2.0), [a, b], [c])
    np.testing.assert_allclose(c, expected, 1e-5)
    with pytest.raises(UnsupportedError, match="int32"):
        run_op(sim, "MatMul", [np.ones((2, 2), np.int32)] * 2, [np.ones((2, 2), np.int32)])
    with pytest.raises(UnsupportedError, match="conjugates"):
        run_op(
            sim, "BatchMatMul", [np.ones((2, 2), np.complex64)] * 2, [np.ones((2, 2), np.complex64)], {"adj_x": True}
        )


def test_products_of_16_bits_in_float32(sim):
    for dtype in ("float16", ml_dtypes.bfloat16):
        a, b = drawn(2, 5, 70, dtype=dtype), drawn(2, 70, 3, dtype=dtype, seed=1)
        out = np.zeros((2, 5, 3), F)
        run_op(sim, "BatchMatMulV2", [a, b], [out])
        np.testing.assert_allclose(out, a.astype(F) @ b.astype(F), 1e-5, 1e-5)


EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("btnh,bsnh->bnts", (2, 3, 4, 5), (2, 6, 4, 5)),
    ("bnts,bsnh->btnh", (2, 4, 3, 6), (2, 6, 4, 5)),
    ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
    ("abd,acd->abc", (2, 3, 4), (2, 5, 4)),
    ("i,j->ij", (3,), (4,)),
    ("i,j->ji", (3,), (4,)),
    ("ij,ij->", (3, 4), (3, 4)),
    ("ij,ij->ij", (3, 4), (3, 4)),
    ("ij,ji->j", (3, 4), (4, 3)),
    ("...j,jk->...k", (2, 5, 3), (3, 4)),
    ("...ij,...jk", (2, 5, 3), (2, 3, 4)),
    ("ijk->kj", (2, 3, 4)),
    ("ijk->kij", (2, 3, 4)),
    ("...j->...", (2, 3, 4)),
]


def test_sums_by_label(sim):
    work, wanted = [], []
    for equation, *shapes in EQUATIONS:
        inputs = [drawn(*shape, seed=i) for i, shape in enumerate(shapes)]
        wanted.append(np.einsum(equation, *inputs))
        work.append(("Einsum", inputs, [np.zeros(wanted[-1].shape, F)], {"equation": equation}))
    for (out,), expected, (equation, *_) in zip(run_all(sim, work), wanted, EQUATIONS, strict=True):
        np.testing.assert_allclose(out, expected, 1e-5, 1e-5, err_msg=equation)
    for equation, *shapes in [("ii->i", (3, 3)), ("ij,jk,k->i", (2, 3), (3, 4), (4,)), ("ij,kj->ik", (2, 3), (4, 1))]:
        with pytest.raises(UnsupportedError):
            run_op(sim, "Einsum", [drawn(*s) for s in shapes], [np.zeros((2, 4), F)], {"equation": equation})
