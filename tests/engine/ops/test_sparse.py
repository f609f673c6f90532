"""Functions on sparse tensors against dense NumPy, and crosses against TensorFlow's hashes."""

import numpy as np
import pytest

from headrace.engine.dtypes import int64
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops import sparse_functions as sparse
from headrace.engine.ops.array import shape
from headrace.engine.ops.constant import constant
from headrace.engine.session import Session
from headrace.engine.tensor_types import IndexedSlices, SparseTensor

DENSE = np.array([[0, 1.5, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]])


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


def value(fetches):
    with Session() as session:
        return session.run(fetches)


def example(dense=DENSE):
    return SparseTensor(np.argwhere(dense), dense[dense != 0], dense.shape)


def dense_of(tensor):
    return value(sparse.sparse_tensor_to_dense(tensor))


ROW = np.array([1.0, 2, 4, 8])
CASES = [
    (lambda t: t * ROW, DENSE * ROW),
    (lambda t: constant(2.0, t.dtype) * t / ROW, DENSE * 2 / ROW),
    (lambda t: t, DENSE),
    (lambda t: sparse.sparse_transpose(t), DENSE.T),
    (lambda t: sparse.sparse_reshape(t, [2, -1]), DENSE.reshape(2, 6)),
    (lambda t: sparse.sparse_concat(1, [t, t]), np.concatenate([DENSE, DENSE], 1)),
    (lambda t: sparse.sparse_slice(t, [0, 1], [2, 9]), DENSE[:2, 1:]),
    (lambda t: sparse.sparse_add(t, t), 2 * DENSE),
    (lambda t: sparse.sparse_add(t, t, 3.5), np.where(2 * DENSE >= 3.5, 2 * DENSE, 0)),
    (lambda t: sparse.sparse_retain(t, [True, False, True]), np.where(DENSE == 2, 0, DENSE)),
    (lambda t: sparse.sparse_dense_cwise_mul(t, [1.0, 2, 3, 4]), DENSE * [1, 2, 3, 4]),
    (lambda t: sparse.sparse_reset_shape(t, [3, 5]), np.pad(DENSE, [[0, 0], [0, 1]])),
    (lambda t: sparse.sparse_fill_empty_rows(t, 9.0)[0], DENSE + np.array([[0], [9], [0]]) * [1, 0, 0, 0]),
    (lambda t: sparse.sparse_split(sp_input=t, num_split=2, axis=1)[1], DENSE[:, 2:]),
]


@pytest.mark.parametrize(("function", "expected"), CASES)
def test_as_dense(function, expected):
    np.testing.assert_array_equal(dense_of(function(example())), expected)


def test_reductions_and_products():
    t, b = example(), np.arange(8.0).reshape(4, 2)
    found = value([sparse.sparse_reduce_sum(t), sparse.sparse_reduce_sum(t, 1, keepdims=True),
                   sparse.sparse_reduce_max(t, 0), sparse.sparse_tensor_dense_matmul(t, b),
                   sparse.sparse_add(t, constant(DENSE))])  # fmt: skip
    expected = [DENSE.sum(), DENSE.sum(1, keepdims=True), DENSE.max(0), DENSE @ b, 2 * DENSE]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b)


def test_gradient_of_a_product_reaches_the_values():
    t, b = example(), constant(np.arange(8.0).reshape(4, 2))
    found = value(gradients(sparse.sparse_tensor_dense_matmul(t, b), [t.values, b]))
    np.testing.assert_array_equal(found[0], [5, 13, 1])
    np.testing.assert_array_equal(found[1], np.repeat(DENSE.sum(0)[:, None], 2, 1))


def test_ids():
    ids = SparseTensor([[0, 0], [0, 1], [1, 0]], np.array([2, 0, 1]), [2, 2])
    weights = SparseTensor([[0, 0], [0, 1], [1, 0]], [1.0, 2.0, 3.0], [2, 2])
    assert value(sparse.sparse_to_indicator(ids, 3)).tolist() == [[True, False, True], [False, True, False]]
    assert dense_of(sparse.sparse_merge(ids, weights, 3)).tolist() == [[2, 0, 1], [0, 3, 0]]
    slices = IndexedSlices(constant([[1], [2], [3]]), constant([5, 7, 9]))
    assert value(sparse.sparse_mask(slices, [7]).values).tolist() == [[1], [3]]


def test_crosses_are_tensorflows():
    a = SparseTensor([[0, 0], [1, 0], [1, 1]], ["a", "b", "c"], [2, 2])
    b, n = constant([["x", "y"], ["z", "w"]]), constant([[3], [4]], int64)
    plain, hashed, wide = value(
        [
            sparse.sparse_cross([a, b, n]),
            sparse.sparse_cross_hashed([a, b, n], 1000),
            sparse.sparse_cross_hashed([b, a]),
        ]
    )
    assert plain.values.tolist()[:3] == [b"a_X_x_X_3", b"a_X_y_X_3", b"b_X_z_X_4"]
    assert hashed.values.tolist() == [894, 942, 469, 417, 317, 492]
    assert wide.values.tolist()[:2] == [1484974617627318892, 3920818148696658747]


def test_edit_distance():
    guess = SparseTensor([[0, 0], [1, 0]], ["a", "b"], [2, 1])
    truth = SparseTensor([[0, 0], [0, 1]], ["a", "c"], [2, 2])
    assert value(sparse.edit_distance(guess, truth)).tolist() == [0.5, np.inf]
    assert value(sparse.edit_distance(guess, truth, normalize=False)).tolist() == [1, 1]


def test_the_shape_of_a_sparse_tensor():
    assert [v.tolist() for v in value([shape(example()), shape(example(), out_type=int64)])] == [[3, 4], [3, 4]]
