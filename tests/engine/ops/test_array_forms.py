"""Subscripts against NumPy, and the spellings of array functions before TensorFlow 1.0."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from headrace.engine.dtypes import float32, float64, int32, int64
from headrace.engine.errors import InvalidArgumentError
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops import (
    array_order,
    array_pad,
    array_parts,
    array_sets,
    array_shape,
    array_space,
    array_split,
    indexing,
    sorting,
)
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session
from headrace.engine.tensor_types import IndexedSlices

X = np.arange(60.0).reshape(3, 4, 5)


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


def value(fetches, feeds=None):
    with Session() as session:
        return session.run(fetches, feeds)


def entries(size):
    bound = st.one_of(st.none(), st.integers(-size - 2, size + 2))
    step = st.sampled_from([None, 1, 2, -1, -2])
    return st.one_of(st.builds(slice, bound, bound, step), st.integers(-size, size - 1))


@st.composite
def indices(draw):
    index = [draw(entries(size)) for size in X.shape[: draw(st.integers(0, 3))]]
    if len(index) < 3 and draw(st.booleans()):
        index.append(Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        index.insert(draw(st.integers(0, len(index))), None)
    return tuple(index)


@settings(deadline=None, max_examples=60)
@given(indices())
def test_subscripts_are_numpys(index):
    with Graph().as_default():
        known, unknown = constant(X), placeholder(float64)
        results = value([known[index], unknown[index]], {unknown: X})
        assert known[index].sizes == X[index].shape
        for result in results:
            np.testing.assert_array_equal(result, X[index])


def test_subscripts_take_tensors():
    i, j = placeholder(int32, []), constant(1, int64)
    result = constant(X)[i, j:, i]
    assert result.sizes == (3,)
    np.testing.assert_array_equal(value(result, {i: 2}), X[2, 1:, 2])


@pytest.mark.parametrize("index", [1.5, "a", True, [[1]]])
def test_other_subscripts_are_refused(index):
    with pytest.raises(TypeError, match="Only integers, slices"):
        constant(X)[index]


def test_an_index_outside_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="slice index 3 of dimension 0 out of bounds"):
        constant(X)[3]
    i = placeholder(int32, [])
    with pytest.raises(InvalidArgumentError, match="slice index 7 of dimension 0 out of bounds"):
        value(constant(X)[i], {i: 7})


A, B = np.ones((2, 3)), np.zeros((2, 3))
OLD = [
    (lambda: array_parts.concat(1, [A, B]), lambda: array_parts.concat([A, B], 1)),
    (lambda: array_parts.concat_v2([A, B], 0), lambda: array_parts.concat([A, B], 0)),
    (lambda: array_split.split(1, 3, A), lambda: array_split.split(A, 3, 1)),
    (lambda: array_split.split(split_dim=1, num_split=3, value=A, num_or_size_splits=None),
     lambda: array_split.split(A, 3, 1)),
    (lambda: array_split.pack([A, B]), lambda: array_split.stack([A, B])),
    (lambda: array_split.unpack(constant(A)), lambda: array_split.unstack(constant(A))),
    (lambda: array_shape.expand_dims(A, dim=1), lambda: array_shape.expand_dims(A, 1)),
    (lambda: array_shape.squeeze(A[None], squeeze_dims=[0]), lambda: array_shape.squeeze(A[None], 0)),
    (lambda: array_order.reverse(A, [False, True]), lambda: array_order.reverse(A, [1])),
    (lambda: array_order.reverse_sequence(A, [1, 2], seq_dim=1, batch_dim=0),
     lambda: array_order.reverse_sequence(A, [1, 2], 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), OLD)
def test_old_spellings(old, new):
    for a, b in zip(*(np.atleast_1d(value(f())) if not isinstance(f(), list) else value(f()) for f in (old, new)),
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)


def test_gradient_of_rows_stays_sparse_and_repeated_rows_add_up():
    params = constant(np.ones((5, 2)))
    gradient = gradients(indexing.gather(params, [1, 1, 4]), [params])[0]
    assert isinstance(gradient, IndexedSlices)
    np.testing.assert_array_equal(value(gradient.indices), [1, 1, 4])


def test_gather_along_an_axis_of_batches():
    x, i = X, np.array([[3, 0], [1, 1], [2, 3]])
    np.testing.assert_array_equal(
        value(indexing.gather(x, i, axis=1, batch_dims=1)), np.take_along_axis(x, i[:, :, None], 1)
    )
    np.testing.assert_array_equal(value(indexing.batch_gather(x[:, :, 0], i)), np.take_along_axis(x[:, :, 0], i, 1))


MASKS = np.array([[True, False, True, False]] * 3)


def test_masks():
    np.testing.assert_array_equal(value(indexing.boolean_mask(X, MASKS)), X[MASKS])
    np.testing.assert_array_equal(value(indexing.boolean_mask(X, MASKS[0], axis=1)), X[:, MASKS[0]])
    np.testing.assert_array_equal(value(array_sets.sequence_mask([1, 3], 4, float32)), [[1, 0, 0, 0], [1, 1, 1, 0]])
    np.testing.assert_array_equal(value(array_sets.sequence_mask([1, 3]))[0], [True, False, False])


@pytest.mark.parametrize("kind", ["xy", "ij"])
def test_meshgrid_is_numpys(kind):
    args = [1, 2, 3], [4, 5], [6]
    for a, b in zip(value(array_split.meshgrid(*args, indexing=kind)), np.meshgrid(*args, indexing=kind), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("repeats", "axis"), [(2, None), ([1, 0, 2], 0), (3, 1)])
def test_repeat_is_numpys(repeats, axis):
    np.testing.assert_array_equal(
        value(array_sets.repeat(X[..., 0], repeats, axis)), np.repeat(X[..., 0], repeats, axis)
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_is_numpys(side):
    found = value(array_sets.searchsorted([1, 3, 3, 7], [0, 3, 9], side))
    np.testing.assert_array_equal(found, np.searchsorted([1, 3, 3, 7], [0, 3, 9], side))


@pytest.mark.parametrize("mode", ["reflect", "SYMMETRIC", "CONSTANT"])
def test_pad_is_numpys(mode):
    np.testing.assert_array_equal(value(array_pad.pad(A, [[1, 1], [2, 0]], mode)),
                                  np.pad(A, [[1, 1], [2, 0]], mode.lower()))  # fmt: skip


def test_space_to_batch_paddings():
    paddings, crops = array_space.required_space_to_batch_paddings([5, 6], [2, 3], [[1, 0], [0, 0]])
    assert value(paddings).tolist() == [[1, 0], [0, 0]] and value(crops).tolist() == [[0, 0], [0, 0]]


def test_constants_of_a_shape():
    n = placeholder(int32, [2])
    assert value(array_parts.zeros(n), {n: [2, 3]}).shape == (2, 3)
    assert array_parts.ones([2, 3]).op.type == "Const" and array_parts.ones([100, 100]).op.type == "Fill"
    assert value(array_parts.zeros([2], "string")).tolist() == [b"", b""]
    assert value(array_sets.one_hot([1, 5], 2, axis=0, dtype=int32)).tolist() == [[0, 0], [1, 0]]


def test_sizes_of_unknown_ranks_are_computed():
    x = placeholder(float32)
    results = value([array_shape.rank(x), array_shape.size(x), array_order.transpose(x)], {x: np.ones((2, 3))})
    assert results[:2] == [2, 6] and results[2].shape == (3, 2)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sort_is_numpys(axis):
    x = np.random.default_rng(0).normal(size=(3, 4, 2))
    found = value([sorting.sort(x, axis), sorting.sort(x, axis, "DESCENDING"), sorting.argsort(x, axis)])
    np.testing.assert_array_equal(found[0], np.sort(x, axis))
    np.testing.assert_array_equal(found[1], -np.sort(-x, axis))
    np.testing.assert_array_equal(found[2], np.argsort(x, axis))
