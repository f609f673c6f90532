"""Segment reductions, scatters, gathers and selections against TensorFlow's values."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels import scatter, segments, selection
from headrace.engine.kernels.bounds import check_indices, check_nd_indices
from headrace.engine.kernels.sparse_matmul import sparse_dense_matmul

FILE = np.load(Path(__file__).parents[2] / "fixtures/kernels/segments.npz")
E = {name: FILE[name] for name in FILE.files}
FLOATS = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_unsorted_segments(name, dtype):
    if dtype in FLOATS[:2]:
        data = np.minimum(np.abs(E["data"]), 2)
        kernel = getattr(segments, f"unsorted_segment_{name}")
        found = kernel(data.astype(dtype), E["unsorted"], 6)
        expected = kernel(data, E["unsorted"], 6)[[0, 3, 5]]
        assert found.dtype == dtype
        np.testing.assert_array_equal(found[[0, 3, 5]].astype(np.float32), expected)
        return
    found = getattr(segments, f"unsorted_segment_{name}")(E["data"].astype(dtype), E["unsorted"], 6)
    full = [0, 3, 5]
    np.testing.assert_array_equal(found[full], E[f"unsorted_{name}"][full])
    if dtype == np.float32:
        np.testing.assert_array_equal(found, E[f"unsorted_{name}"])


@pytest.mark.parametrize("name", ["mean", "sqrt_n"])
def test_unsorted_means(name):
    found = getattr(segments, f"unsorted_segment_{name}")(E["data"], E["unsorted"], 6)
    np.testing.assert_allclose(found, E[f"unsorted_{name}"], rtol=1e-6)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean"])
def test_sorted_segments(name):
    found = getattr(segments, f"segment_{name}")(E["data"], E["ordered"])
    np.testing.assert_allclose(found, E[f"sorted_{name}"], rtol=1e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "sqrt_n"])
def test_sparse_segments_and_their_gradients(name):
    kernel = getattr(segments, f"sparse_segment_{name}")
    found = kernel(E["data"], E["rows"], E["ordered"], 8)
    np.testing.assert_allclose(found, E[f"sparse_{name}"], rtol=1e-6)
    np.testing.assert_array_equal(kernel(E["data"], E["rows"], E["ordered"]), found[:6])
    grad = getattr(segments, f"sparse_segment_{name}_grad")
    found = grad(E["grad"], E["rows"], E["ordered"], 7)
    np.testing.assert_allclose(found, E[f"sparse_{name}_grad"], rtol=1e-6)


def test_segments_of_many_and_of_no_rows():
    random = np.random.default_rng(0)
    ids, data = random.integers(0, 50, 9000), random.integers(0, 9, (9000, 33))
    expected = np.stack([data[ids == i].sum(axis=0) for i in range(50)])
    np.testing.assert_array_equal(segments.unsorted_segment_sum(data, ids, 50), expected)
    out = np.empty((50, 66), int)[:, ::2]
    assert segments.segment_sum(data, np.sort(ids), out=out) is out
    none = np.zeros(0, int)
    assert segments.segment_sum(np.zeros((0, 2)), none).shape == (0, 2)
    assert segments.unsorted_segment_max(np.zeros((0,)), none, 2).tolist() == [-np.finfo(float).max] * 2
    assert segments.unsorted_segment_sum(np.ones((2, 3)), np.array([[0, 1, 1], [1, 4, 0]]), 5).tolist() == [
        2,
        3,
        0,
        0,
        1,
    ]
    assert segments.unsorted_segment_sum(np.ones((2, 0)), np.array([0, 1]), 2).shape == (2, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: segments.unsorted_segment_sum(np.ones(3), np.array([0, 1, 7]), 5),
         r"segment_ids\[2\] = 7 is out of range \[0, 5\)"),
        (lambda: segments.unsorted_segment_sum(np.ones(3), np.array([0, 1]), 5),
         r"data.shape = \[3\] does not start with segment_ids.shape = \[2\]"),
        (lambda: segments.unsorted_segment_sum(np.ones(1), np.array([0]), -1), "must not be negative"),
        (lambda: segments.segment_sum(np.ones(2), np.array([1, 0])), "not increasing"),
        (lambda: segments.segment_mean(np.ones(2), np.array([-1, 0])), "must be >= 0"),
        (lambda: segments.segment_sum(np.ones(2), np.array([1])), "same size as dimension 0"),
        (lambda: segments.sparse_segment_sum(np.ones(2), np.array([2]), np.array([0])),
         r"indices\[0\] = 2 is not in \[0, 2\)"),
        (lambda: segments.sparse_segment_sum(np.ones(2), np.array([1]), np.array([4]), 3), "num_segments"),
        (lambda: segments.sparse_segment_sum(np.ones(2), np.array([1]), np.array([1, 4])), "same size"),
        (lambda: scatter.scatter_add(np.ones(3), np.array([[1, -1]]), np.ones((1, 2))),
         r"indices\[0,1\] = -1 is not in \[0, 3\)"),
        (lambda: scatter.scatter_update(np.ones((3, 2)), np.array([1]), np.ones(2)),
         r"updates: expected shape \[1, 2\]"),
        (lambda: scatter.scatter_add(np.ones(()), np.array([0]), np.ones(1)), "at least one dimension"),
        (lambda: scatter.scatter_div(np.ones(3, int), np.array([1]), np.array([0])), "division by zero"),
        (lambda: scatter.scatter_nd(np.array([[0, 0], [1, 3]]), np.ones(2), (2, 3)),
         r"indices\[1\] = \[1, 3\] does not index into shape \[2, 3\]"),
        (lambda: scatter.scatter_nd(np.array([[0, 0, 0]]), np.ones(1), (2, 3)), "rank <= 2"),
        (lambda: scatter.scatter_nd(np.array([[0]]), np.ones(1), (2, 3)), r"expected shape \[1, 3\]"),
        (lambda: scatter.gather(np.ones((2, 3)), np.array(3), axis=1), r"indices = 3 is not in \[0, 3\)"),
        (lambda: scatter.gather_nd(np.ones((2, 3)), np.array([-1])), r"indices = \[-1\] does not"),
        (lambda: selection.top_k(np.ones(3), 4), "at least k columns. Had 3, needed 4"),
        (lambda: selection.top_k(np.ones(3), -1), "Need k >= 0, got -1"),
        (lambda: selection.top_k(np.ones(()), 1), "input must be >= 1-D"),
        (lambda: selection.in_top_k(np.ones((2, 3)), np.ones(3, int), 1), "expected predictions"),
        (lambda: selection.unique(np.ones((2, 2))), "1D vector"),
        (lambda: selection.bincount(np.array([-1]), 3), "non-negative"),
        (lambda: selection.bincount(np.array([1]), -3), r"size \(-3\) must be non-negative"),
        (lambda: selection.bincount(np.array([1]), 3, np.ones(2)), "weights: expected shape"),
        (lambda: sparse_dense_matmul(np.array([[0, 5]]), np.ones(1), (2, 5), np.ones((5, 1))),
         r"k \(5\) from index 0 out of bounds \[0, 5\)"),
        (lambda: sparse_dense_matmul(np.array([[0, 1]]), np.ones(1), (2, 5), np.ones((4, 1))),
         "inner dimension does not match: 5 vs. 4"),
        (lambda: sparse_dense_matmul(np.array([[0, 1]]), np.ones(2), (2, 5), np.ones((5, 1))),
         "a_indices: expected shape"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()


def test_checks_pass_what_is_right():
    check_indices(np.zeros((0, 2), int), 0)
    check_nd_indices(np.zeros((3, 0), int), (2,))


NAMES = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32])
@pytest.mark.parametrize("name", NAMES)
def test_scatters_combine_in_place_and_in_turn(name, dtype):
    target = np.arange(12).reshape(4, 3).astype(dtype)
    indices, updates = np.array([[2, 0], [2, 2]]), np.arange(12).reshape(2, 2, 3).astype(dtype)
    expected = target.astype(float)
    for row, update in zip(indices.ravel(), updates.reshape(4, 3).astype(float), strict=True):
        expected[row] = NAMES[name](expected[row], update)
    strided = np.zeros((4, 6), dtype)[:, ::2]
    strided[...] = target
    for place in (target, strided):
        assert getattr(scatter, f"scatter_{name}")(place, indices, updates) is place
        np.testing.assert_array_equal(place.astype(float), expected)


def test_scatter_update_div_and_scalar_updates():
    target = np.array([7, -7, 5])
    scatter.scatter_div(target, np.array([0, 1, 1]), np.array([2, 2, -1]))
    assert target.tolist() == [3, 3, 5]
    scatter.scatter_update(target, np.array([0, 0]), np.array([8, 9]))
    assert target.tolist() == [9, 3, 5]
    scatter.scatter_add(target, np.array([1, 1]), np.array(10))
    assert target.tolist() == [9, 23, 5]
    scatter.scatter_div(floats := np.array([1.0, 3.0]), np.array([1]), np.array([2.0]))
    assert floats.tolist() == [1.0, 1.5]


def test_scatter_and_gather_nd():
    np.testing.assert_array_equal(scatter.scatter_nd(E["where"], np.array([1.0, 2, 4]), (2, 3)), E["scatter_nd"])
    rows = np.array([[1], [4], [1]])
    found = scatter.scatter_nd(rows, E["data"][:3], (5, 3))
    np.testing.assert_array_equal(found, E["scatter_nd_rows"])
    np.testing.assert_array_equal(scatter.gather_nd(found, rows), found[[1, 4, 1]])
    np.testing.assert_array_equal(scatter.gather_nd(found, E["where"]), found[[1, 0, 1], [2, 0, 2]])
    for target in (np.zeros((2, 3)), np.zeros((3, 2)).T):
        scatter.scatter_nd_update(target, E["where"], np.array([1.0, 2, 4]))
        scatter.scatter_nd_sub(target, np.array([[1, 2]]), np.array([1.0]))
        scatter.scatter_nd_max(target, np.array([[0]]), np.ones((1, 3)))
        scatter.scatter_nd_min(target, np.array([[0, 0]]), np.array([-1.0]))
        assert target.tolist() == [[-1, 1, 1], [0, 0, 3]]
    whole = scatter.scatter_nd(np.zeros((2, 0), int), np.ones((2, 3)), (3,))
    assert whole.tolist() == [2, 2, 2]
    assert scatter.scatter_nd(np.zeros((0, 1), int), np.ones((0, 3)), (2, 3)).sum() == 0


def test_gather():
    x = np.arange(24).reshape(2, 3, 4)
    indices = np.array([[2, 0], [1, 1]])
    np.testing.assert_array_equal(scatter.gather(x, indices, axis=1), x[:, indices])
    out = np.empty((2, 3, 2, 2), int)
    assert scatter.gather(x, indices, axis=-1, out=out) is out
    np.testing.assert_array_equal(out, x[..., indices])


@pytest.mark.parametrize("k", [1, 3, 40])
def test_top_k_takes_the_lower_place_of_equals(k):
    for x in (E["ties"], E["ties"].astype(np.int32), E["ties"].astype(np.float16)):
        values, places = selection.top_k(x, k)
        np.testing.assert_array_equal(values, E[f"top{k}_values"])
        np.testing.assert_array_equal(places, E[f"top{k}_places"])
        assert (values.dtype, places.dtype) == (x.dtype, np.int32)


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=65, max_size=90), st.integers(0, 20))
def test_top_k_is_the_front_of_a_stable_sort(numbers, k):
    places = sorted(range(len(numbers)), key=lambda i: -numbers[i])[:k]
    assert selection.top_k(np.array(numbers), k)[1].tolist() == places


def test_top_k_with_nan_and_without_rows():
    x = np.full(70, 0.0)
    x[[5, 9]] = np.nan, 1.0
    assert selection.top_k(x, 3)[1].tolist() == [5, 9, 0]
    assert selection.top_k(np.zeros((0, 4)), 2)[0].shape == (0, 2)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_in_top_k(k):
    np.testing.assert_array_equal(selection.in_top_k(E["guesses"], E["wanted"], k), E[f"in_top{k}"])
    assert not selection.in_top_k(np.zeros((2, 0)), np.array([0, 1]), k).any()


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float32, object])
def test_unique_keeps_the_order_of_first_occurrence(dtype):
    x = E["words"].astype(dtype)
    for big in (x, x * 10**9 if dtype == np.int64 else x):
        values, index, counts = selection.unique(big, np.int64)
        np.testing.assert_array_equal(values[index], big)
        np.testing.assert_array_equal(index, E["unique_index"])
        np.testing.assert_array_equal(counts, E["unique_counts"])
        assert index.dtype == counts.dtype == np.int64


def test_unique_of_nan_bytes_and_slices():
    assert len(selection.unique(np.array([np.nan, 1.0, np.nan]))[0]) == 3
    words = np.array([b"b", b"a", b"b"], object)
    assert selection.unique(words)[0].tolist() == [b"b", b"a"]
    assert [len(part) for part in selection.unique(np.zeros(0, int))] == [0, 0, 0]
    x = np.array([[3, 1, 3], [4, 1, 4]])
    values, index, counts = selection.unique_slices(x, 1)
    assert (values.tolist(), index.tolist(), counts.tolist()) == ([[3, 1], [4, 1]], [0, 1, 0], [2, 1])
    assert selection.unique_slices(np.zeros((3, 0)), 0)[1].tolist() == [0, 0, 0]


def test_bincount():
    x = np.array([[1, 1, 9], [0, 2, 1]])
    assert selection.bincount(x, 4).tolist() == [1, 3, 1, 0]
    weights = np.array([[1, 2, 4], [8, 16, 32]], np.float32)
    found = selection.bincount(x, 4, weights)
    assert (found.tolist(), found.dtype) == ([8, 35, 16, 0], np.float32)
    out = np.empty((4, 2), np.float32)[:, 0]
    assert selection.bincount(x, 4, weights, out=out).tolist() == [8, 35, 16, 0]


def test_sparse_dense_matmul():
    values = np.array([1, 2, 3, 4], np.float32)
    found = sparse_dense_matmul(E["entries"], values, (4, 5), E["dense"])
    np.testing.assert_array_equal(found, E["matmul"])
    found = sparse_dense_matmul(E["entries"][:, ::-1], values, (5, 4), E["dense"].T, True, True)
    np.testing.assert_array_equal(found, E["matmul_adjoint"])
    found = sparse_dense_matmul(np.array([[0, 0]]), np.array([1j]), (1, 1), np.array([[2.0 + 0j]]), True)
    assert found.tolist() == [[-2j]]
