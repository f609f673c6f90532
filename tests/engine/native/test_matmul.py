"""Native matrix products give NumPy's numbers for all forms of their factors, the same bits on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.native.bindings import matmul
from headrace.engine.ops.fused_matmul import STEPS, UNARY
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

Native = Callable[..., None]
Array = np.ndarray[Any, Any]

# rows, inner, columns
SIZES = [
    (1, 1, 1), (3, 2, 5), (7, 13, 10), (13, 17, 33), (64, 10, 100), (25, 1, 64), (1, 70, 130), (130, 70, 1), (6, 400, 16),
    (50, 784, 10), (97, 33, 231), (130, 390, 70), (31, 1000, 90), (5, 30, 1100), (300, 65, 300),
]  # fmt: skip


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    return rng.standard_normal(shape).astype(dtype)


def both(native: Native, op_type: str, inputs: Any, shape: tuple[int, ...], attrs: dict[str, Any]) -> Array:
    """The result, which must have the same bits on one, two and three threads."""
    results = [np.full(shape, np.nan, inputs[0].dtype) for _ in range(3)]
    for i, out in enumerate(results):
        native(op_type, inputs, [out], attrs, threads=i + 1)
    for other in results[1:]:
        assert results[0].tobytes() == other.tobytes()
    return results[0]


def close(result: Array, expected: Array) -> None:
    tolerance = 2e-5 if result.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max(initial=1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_products(native: Native, sizes: tuple[int, int, int], dtype: Any) -> None:
    m, k, n = sizes
    rng = np.random.default_rng(m + k + n)
    a, b = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype)
    expected = a.astype(np.float64) @ b
    for turn_a in (False, True):
        for turn_b in (False, True):
            factors = np.ascontiguousarray(a.T) if turn_a else a, np.ascontiguousarray(b.T) if turn_b else b
            close(
                both(native, "MatMul", factors, (m, n), {"transpose_a": turn_a, "transpose_b": turn_b}),
                expected.astype(dtype),
            )


def test_products_by_blas_and_without_it(native: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    a, b = normal(rng, (97, 150)), normal(rng, (150, 200))
    for by_blas in (False, True):
        monkeypatch.setattr(matmul, "_by_blas", lambda m, n, k, chosen=by_blas: chosen)
        close(both(native, "MatMul", (a, b), (97, 200), {}), a @ b)


def test_strided_factors(native: Native) -> None:
    rng = np.random.default_rng(3)
    wide, tall = normal(rng, (40, 90)), normal(rng, (70, 33))
    a, b = wide[3:20, 5:38], tall[2:35, 1:30]
    close(both(native, "MatMul", (a, b), (17, 29), {}), a @ b)
    close(both(native, "MatMul", (a.T, b.T), (17, 29), {"transpose_a": True, "transpose_b": True}), a @ b)
    close(both(native, "MatMul", (b.T, a.T), (29, 17), {}), b.T @ a.T)
    with pytest.raises(UnsupportedError, match="strided"):
        native("MatMul", (wide[:, ::2], normal(rng, (45, 3))), [np.empty((40, 3), np.float32)])


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0)])
def test_empty_products(native: Native, shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    result = both(native, "MatMul", (np.ones((m, k), np.float32), np.ones((k, n), np.float32)), (m, n), {})
    assert not result.any()


def test_values_that_are_not_finite(native: Native) -> None:
    a = np.array([[np.inf, 1.0], [np.nan, 0.0], [1.0, 2.0]], np.float32)
    result = both(native, "MatMul", (a, np.ones((2, 20), np.float32)), (3, 20), {})
    expected = np.repeat(np.array([[np.inf], [np.nan], [3.0]], np.float32), 20, axis=1)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches(native: Native, dtype: Any) -> None:
    rng = np.random.default_rng(4)
    cases = [
        ((3, 4, 5), (3, 5, 6)),
        ((2, 1, 4, 5), (7, 5, 6)),
        ((4, 5), (3, 5, 6)),
        ((40, 20, 30), (40, 30, 9)),
        ((0, 2, 3), (0, 3, 2)),
    ]
    for first, second in cases:
        x, y = normal(rng, first, dtype), normal(rng, second, dtype)
        expected = x @ y
        close(both(native, "BatchMatMulV2", (x, y), expected.shape, {"adj_x": False, "adj_y": False}), expected)
        turned = np.swapaxes(x, -1, -2).copy(), np.swapaxes(y, -1, -2).copy()
        close(both(native, "BatchMatMulV2", turned, expected.shape, {"adj_x": True, "adj_y": True}), expected)


def test_batches_of_a_turned_array(native: Native) -> None:
    heads = normal(np.random.default_rng(5), (16, 64, 3, 4, 32)).transpose(2, 0, 3, 1, 4)
    query, key, value = heads
    scores = both(native, "BatchMatMulV2", (query, key), (16, 4, 64, 64), {"adj_x": False, "adj_y": True})
    close(scores, query @ key.swapaxes(-1, -2))
    close(
        both(native, "BatchMatMulV2", (scores, value), (16, 4, 64, 32), {"adj_x": False, "adj_y": False}),
        scores @ value,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", STEPS)
def test_steps_after_a_product(native: Native, step: str, dtype: Any) -> None:
    rng = np.random.default_rng(6)
    for m, k, n in [(5, 3, 7), (33, 40, 70), (120, 400, 90), (3, 0, 5)]:
        a, b = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype)
        a /= max(k, 1) ** 0.5
        matrix = np.tanh(normal(rng, (m, n), dtype))
        shapes = [matrix] if "Grad" in step else [matrix, matrix[0], matrix[:, :1].copy(), np.array(matrix[0, 0])]
        for operand in [None] if step in UNARY else shapes:
            operands = [] if operand is None else [operand]
            attrs = {"transpose_a": False, "transpose_b": False, "steps": [step, "AddV2"], "alphas": [0.2, 0.0]}
            inputs = (a, b, *operands, b[0] if k else matrix[0])
            definition = definition_of("_FusedMatMul")
            expected = definition.kernel_function(np, a, b, list(inputs[2:]), **attrs)
            close(both(native, "_FusedMatMul", inputs, (m, n), attrs), expected)


def test_steps_after_a_product_by_blas(native: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul, "_by_blas", lambda m, n, k: True)
    rng = np.random.default_rng(7)
    a, b, bias = normal(rng, (97, 150)), normal(rng, (150, 200)), normal(rng, (200,))
    attrs = {"transpose_a": False, "transpose_b": False, "steps": ["AddV2", "Relu"], "alphas": [0.0, 0.0]}
    close(both(native, "_FusedMatMul", (a, b, bias), (97, 200), attrs), np.maximum(a @ b + bias, 0))
