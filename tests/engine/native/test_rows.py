"""Native gathers, scatters, sums by segment and one-hot rows give NumPy's numbers, whatever the number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.kernels import scatter, segments
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

Native = Callable[..., None]
NO_INDICES = np.zeros(0, np.int32)

# shape of the array, axis, shape of the indices
GATHERS = [
    ((5,), 0, (7,)),
    ((9, 8), 0, (3, 4)),
    ((9, 3), 0, ()),
    ((1000, 128), 0, (700,)),
    ((4, 6, 5), 1, (2, 3)),
    ((3, 70, 40), 1, (64,)),
    ((2, 3, 9), -1, (11,)),
    ((4, 0), 0, (3,)),
    ((4, 5), 0, (0,)),
]


def drawn(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.float16, np.complex128])
@pytest.mark.parametrize("case", GATHERS, ids=str)
def test_gathers(native: Native, case: Any, dtype: Any) -> None:
    shape, axis, sizes = case
    params = drawn(shape, dtype)
    for index_type in (np.int32, np.int64):
        indices = np.random.default_rng(1).integers(0, shape[axis], sizes).astype(index_type)
        expected = np.take(params, indices, axis)
        for threads in (1, 2):
            out = np.zeros(expected.shape, dtype)
            native("GatherV2", (params, indices, np.int32(axis).reshape(())), [out], threads=threads)
            np.testing.assert_array_equal(out, expected)


def test_indices_may_be_strided(native: Native) -> None:
    params, ids = drawn((10, 3), np.float32), np.arange(30, dtype=np.int32).reshape(10, 3)[:, 1] % 10
    out = np.zeros((10, 3), np.float32)
    native("Gather", (params, ids), [out])
    np.testing.assert_array_equal(out, params[ids])


@pytest.mark.parametrize("bad", [-1, 10])
def test_indices_out_of_range_fail(native: Native, bad: int) -> None:
    params, ids = drawn((10, 3), np.float32), np.array([0, bad, 3], np.int32)
    before = params.copy()
    native("Gather", (params, ids), [np.zeros((3, 3), np.float32)], fails=True)
    native("GatherNd", (params, ids[:, None]), [np.zeros((3, 3), np.float32)], fails=True)
    native("ScatterAdd", (params, ids, drawn((3, 3), np.float32)), [], fails=True)
    np.testing.assert_array_equal(params, before)
    if bad > 0:
        inputs = drawn((3, 3), np.float32), ids, np.array(10, np.int32)
        native("UnsortedSegmentSum", inputs, [params], fails=True)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_gather_nd(native: Native, rank: int) -> None:
    params = drawn((4, 5, 6), np.float32)
    indices = np.random.default_rng(2).integers(0, 4, (3, 7, rank))
    expected = scatter.gather_nd(params, indices)
    out = np.zeros_like(expected)
    native("GatherNd", (params, indices), [out], threads=2)
    np.testing.assert_array_equal(out, expected)


KINDS = ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("kind", KINDS)
def test_scatters(native: Native, kind: str, dtype: Any) -> None:
    for shape, count in (((6,), 9), ((50, 7), 200), ((40, 129), 3000), ((3, 0), 2)):
        target, updates = drawn(shape, dtype), drawn((count, *shape[1:]), dtype, 1)
        indices = np.random.default_rng(3).integers(0, shape[0], count).astype(np.int32)
        expected = target.copy()
        if np.dtype(dtype).kind == "i" and kind in KINDS[3:]:
            with pytest.raises(UnsupportedError):
                native(f"Scatter{kind}", (target, indices, updates), [])
            continue
        with np.errstate(all="ignore"):
            getattr(scatter, f"scatter_{kind.lower()}")(expected, indices, updates)
        for threads in (1, 2):
            result = target.copy()
            native(f"Scatter{kind}", (result, indices, updates), [], threads=threads)
            np.testing.assert_array_equal(result, expected)


def test_scattered_rows_may_be_strided(native: Native) -> None:
    target, updates = drawn((6, 4), np.float32), drawn((5, 9), np.float32)[:, 2:6]
    indices, expected = np.array([1, 5, 1, 0, 1]), target.copy()
    np.subtract.at(expected, indices, updates)
    native("ResourceScatterSub", (target, indices, updates), [])
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_sums_by_segment(native: Native, dtype: Any) -> None:
    for shape, lead, number in (((30,), 1, 4), ((6, 5, 3), 2, 9), ((2000, 100), 1, 77), ((0, 3), 1, 2)):
        data = drawn(shape, dtype)
        ids = np.random.default_rng(4).integers(-1, number, shape[:lead])
        expected = segments.unsorted_segment_sum(data, ids, number)
        for threads in (1, 2):
            out = np.ones_like(expected)
            native("UnsortedSegmentSum", (data, ids, np.array(number, np.int32)), [out], threads=threads)
            np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.float16])
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(native: Native, axis: int, dtype: Any) -> None:
    indices = np.random.default_rng(5).integers(-2, 9, (13, 5))
    inputs = indices, np.array(7, np.int32), np.array(1, dtype), np.array(0, dtype)
    kernel = definition_of("OneHot").kernel_function
    assert kernel is not None
    expected = kernel(np, *inputs, axis=axis)
    out = np.full_like(expected, 1)
    native("OneHot", inputs, [out], {"axis": axis})
    np.testing.assert_array_equal(out, expected)
