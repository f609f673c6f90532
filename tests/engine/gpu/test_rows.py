"""Gathers, scatters and sums by segment on the simulated GPU give NumPy's bits in whatever order threads run."""

import numpy as np
import pytest

from headrace.engine.kernels import scatter, segments
from headrace.engine.kernels.optimizer_blocks import summed_rows
from headrace.engine.registry import definition_of

from .nodes import run_node

# shape of the array, axis, shape of the indices
GATHERS = [
    ((5,), 0, (7,)),
    ((9, 8), 0, (3, 4)),
    ((9, 3), 0, ()),
    ((100, 12), 0, (70,)),
    ((4, 6, 5), 1, (2, 3)),
    ((2, 3, 9), -1, (11,)),
    ((4, 0), 0, (3,)),
    ((4, 5), 0, (0,)),
]
KINDS = ["Update", "Add", "Sub", "Mul", "Div", "Min", "Max"]


def drawn(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal(shape).astype(dtype) if np.dtype(dtype).kind == "f" else rng.integers(1, 100, shape, dtype)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.float16, np.complex128])
def test_gathers(sim, dtype):
    for shape, axis, sizes in GATHERS:
        params = np.ones(shape, dtype) if dtype == np.complex128 else drawn(shape, dtype)
        for index_type in (np.int32, np.int64):
            indices = np.asarray(np.random.default_rng(1).integers(0, shape[axis], sizes)).astype(index_type)
            expected = np.take(params, indices, axis)
            out = np.zeros(expected.shape, dtype)
            run_node(sim, "GatherV2", [params, indices, np.asarray(np.int32(axis))], [out])
            np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_gather_nd(sim, rank):
    params, indices = drawn((4, 5, 6), np.float32), np.random.default_rng(2).integers(0, 4, (3, 7, rank))
    expected = scatter.gather_nd(params, indices)
    out = np.zeros_like(expected)
    run_node(sim, "GatherNd", [params, indices], [out])
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("bad", [-1, 10])
def test_indices_out_of_range_fail(sim, bad):
    params, ids = drawn((10, 3), np.float32), np.array([0, bad, 3], np.int32)
    before, out = params.copy(), np.zeros((3, 3), np.float32)
    run_node(sim, "Gather", [params, ids], [out.copy()], fails=True)
    run_node(sim, "GatherNd", [params, ids[:, None]], [out.copy()], fails=True)
    run_node(sim, "ScatterAdd", [params, ids, drawn((3, 3), np.float32)], [], fails=True)
    run_node(sim, "ScatterNdAdd", [params, ids[:, None], drawn((3, 3), np.float32)], [], fails=True)
    np.testing.assert_array_equal(params, before)
    if bad > 0:
        inputs = [drawn((3, 3), np.float32), ids, np.array(10, np.int32)]
        run_node(sim, "UnsortedSegmentSum", inputs, [params], fails=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "dtype",
    [
        np.float32,
        pytest.param(np.float64, marks=pytest.mark.long),
        pytest.param(np.float16, marks=pytest.mark.long),
        pytest.param(np.int32, marks=pytest.mark.long),
        pytest.param(np.int64, marks=pytest.mark.long),
    ],
)
def test_scatters(ordered_sim, kind, dtype):
    for shape, sizes in (((7, 3), (20,)), ((50,), (3, 9)), ((3, 40), (5,)), ((4, 2), (0,))):
        if kind == "Div" and np.dtype(dtype).kind == "i":
            continue
        target = drawn(shape, dtype)
        indices = np.random.default_rng(2).integers(0, shape[0], sizes).astype(np.int32)
        updates = drawn((*sizes, *shape[1:]), dtype, 3)
        expected = target.copy()
        getattr(scatter, f"scatter_{kind.lower()}")(expected, indices, updates)
        run_node(ordered_sim, f"Scatter{kind}", [target, indices, updates], [])
        np.testing.assert_array_equal(target, expected)


def test_one_number_for_all_rows(sim):
    target, indices = drawn((5, 3), np.float32), np.array([[1, 4], [1, 0]])
    expected = scatter.scatter_add(target.copy(), indices, np.array(2, np.float32))
    run_node(sim, "ScatterAdd", [target, indices, np.array(2, np.float32)], [])
    np.testing.assert_array_equal(target, expected)


# More than one block sorts: tiles, with digits of all kinds.
@pytest.mark.parametrize("count", [1, 300, 9000])
def test_sums_by_segment(ordered_sim, count):
    ids = np.random.default_rng(4).integers(-3, 700, count)
    data = drawn((count, 2), np.float32)
    out = np.zeros((700, 2), np.float32)
    run_node(ordered_sim, "UnsortedSegmentSum", [data, ids, np.array(700)], [out])
    np.testing.assert_array_equal(out, segments.unsorted_segment_sum(data, ids, 700))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_summed_rows(sim, dtype):
    for ids in ([7, 3, 7, 2**31 - 1, 3, -5, -5], [], [4]):
        indices = np.array(ids, dtype)
        values = drawn((len(ids), 33), np.float32)
        out = np.zeros_like(values)
        run_node(sim, "_SummedRows", [values, indices], [out])
        np.testing.assert_array_equal(out, summed_rows(values, indices))


def test_slices(sim):
    rng = np.random.default_rng(5)
    for rank, inner in ((1, (5, 2)), (2, (2,)), (3, ())):
        shape = (4, 5, 2)
        indices = rng.integers(0, 2, (9, rank)).astype(np.int32)
        updates = drawn((9, *inner), np.float32)
        out = np.zeros(shape, np.float32)
        run_node(sim, "ScatterNd", [indices, updates, np.array(shape)], [out])
        np.testing.assert_array_equal(out, scatter.scatter_nd(indices, updates, shape))
        for kind in ("Update", "Add", "Sub"):
            target = drawn(shape, np.float32)
            expected = getattr(scatter, f"scatter_nd_{kind.lower()}")(target.copy(), indices, updates)
            run_node(sim, f"TensorScatter{kind}", [target.copy(), indices, updates], [out])
            np.testing.assert_array_equal(out, expected)
            run_node(sim, f"ScatterNd{kind}", [target, indices, updates], [])
            np.testing.assert_array_equal(target, expected)


def test_all_are_declared():
    assert all(definition_of(f"ResourceScatter{kind}").update_function for kind in KINDS)
