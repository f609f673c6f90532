"""Rules of math that samples do not show: spellings, dtypes, operators, errors, sparse parts, gradients of factors."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import bfloat16, bool, float16, float32, float64, int8, int32, int64, uint8
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops import (
    array_sets,
    binary,
    casting,
    choice,
    clipping,
    comparison,
    confusion,
    decompositions,
    diagonals,
    division,
    elementwise_nary,
    extrema,
    guards,
    linear_operator,
    products,
    ranges,
    reduce,
    rounding,
    scans,
    segments_sparse,
    solvers,
    special,
    top,
    trigonometric,
    unary,
)
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session
from headrace.engine.tensor_types import IndexedSlices, SparseTensor

X = [[1.0, 2.0], [3.0, 4.0]]


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def run(fetches, feeds=None):
    with Session() as session:
        return session.run(fetches, feeds)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (int8, float32), (uint8, float32), (int32, float64), (int64, float64),
        (float16, float16), (bfloat16, bfloat16), (float32, float32),
    ],
)  # fmt: skip
def test_true_division_widens_integers(value, expected):
    assert (constant([7], value) / constant([2], value)).dtype == expected


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x, y: x + y, [9, -5]), (lambda x, y: 1 - x, [-6, 8]), (lambda x, y: x * 2, [14, -14]),
        (lambda x, y: x // y, [3, -4]), (lambda x, y: x % y, [1, 1]), (lambda x, y: x / y, [3.5, -3.5]),
        (lambda x, y: x**2, [49, 49]), (lambda x, y: 2**y, [4, 4]), (lambda x, y: -x, [-7, 7]),
        (lambda x, y: abs(x), [7, 7]), (lambda x, y: ~x, [-8, 6]), (lambda x, y: x & y, [2, 0]),
        (lambda x, y: x | y, [7, -5]), (lambda x, y: x ^ y, [5, -5]), (lambda x, y: x < y, [False, True]),
        (lambda x, y: x >= y, [True, False]), (lambda x, y: ~(x > y) & (y > 0), [False, True]),
        (lambda x, y: (x > y) ^ (y > 0), [False, True]), (lambda x, y: np.array([1, 2], np.int32) + x, [8, -5]),
    ],
)  # fmt: skip
def test_operators(build, expected):
    assert run(build(constant([7, -7]), constant([2, 2]))).tolist() == expected


def test_operators_have_tensorflows_names():
    x = constant([1.0])
    built = [x < 1, x <= 1, x > 1, x >= 1, x + 1, array_sets.one_hot([1], 2), choice.clip_by_value(x, 0, 1)]
    names = ["Less", "LessEqual", "Greater", "GreaterEqual", "add", "one_hot", "clip_by_value"]
    assert [tensor.op.name for tensor in built] == names


def test_gradients_are_named_after_what_they_are_gradients_of(graph):
    with graph.name_scope("a"):
        x = constant([1.0])
        y = unary.exp(x)
    assert gradients(y, [x])[0].op.name == "gradients/a/Exp_grad/mul"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_a_sum_of_unknown_rank_has_a_gradient(shape):
    x = placeholder(float32)
    (gradient,) = gradients(reduce.reduce_sum(x * x), [x])
    assert Session().run(gradient, {x: np.ones(shape)}).tolist() == (2 * np.ones(shape)).tolist()


@pytest.mark.parametrize("build", [lambda x, y: x // y, lambda x, y: x % y, division.div, division.truncatemod])
def test_nothing_divided_by_zero_is_nothing(build):
    assert run(build(constant(np.zeros(0, np.int32)), constant(0))).shape == (0,)


@pytest.mark.parametrize(
    ("args", "dtype"), [((3,), int32), ((3.0,), float32), ((0, 3, 0.5), float32), ((np.int64(3),), int64)]
)
def test_range_takes_the_widest_dtype(args, dtype):
    assert ranges.range(*args).dtype == dtype


@pytest.mark.parametrize(
    ("build", "error", "match"),
    [
        (lambda: reduce.reduce_sum(X, 0, reduction_indices=0), ValueError, "both 'axis' and 'reduction_indices'"),
        (lambda: reduce.reduce_max(X, 0, True, keep_dims=True), ValueError, "both 'keepdims' and 'keep_dims'"),
        (lambda: extrema.argmax(X, 0, dimension=0), ValueError, "both 'axis' and 'dimension'"),
        (lambda: reduce.count_nonzero(), ValueError, "Must specify one of"),
        (lambda: reduce.reduce_variance([1, 2]), TypeError, "real or complex"),
        (lambda: division.truediv(constant([1]), constant([1.0])), TypeError, "same dtype"),
        (lambda: choice.where([True], 1), ValueError, "both be non-None"),
        (lambda: products.matmul(X, X, transpose_a=True, adjoint_a=True), ValueError, "Only one of"),
        (lambda: products.tensordot(X, X, [[0, 1], [0]]), ValueError, "2 != 1"),
        (lambda: clipping.clip_by_global_norm(constant(1.0), 1.0), TypeError, "sequence"),
        (lambda: clipping.norm(X, ord="taxi"), ValueError, "taxi"),
        (lambda: clipping.scalar_mul([1.0], constant(X)), ValueError, "Only scalar"),
        (lambda: elementwise_nary.add_n([]), ValueError, "at least one"),
        (lambda: gradients(guards.prevent_gradient(constant(1.0), "why") * 1, [constant(1.0)]), None, None),
        (lambda: ranges.range(0, 5, 0), ValueError, "delta != 0"),
        (lambda: top.top_k([1.0], 2), ValueError, "last dimension >= k"),
    ],
)
def test_bad_arguments(build, error, match):
    if error is None:
        assert build() == [None]
        return
    with pytest.raises(error, match=match):
        build()


def test_all_axes_of_an_unknown_rank():
    x = placeholder(float32)
    result = reduce.reduce_sum(x)
    assert result.shape.as_list() == []
    assert run(result, {x: np.ones((2, 3, 4))}) == 24
    (slope,) = gradients(reduce.reduce_prod(x, axis=[0]), [x])
    assert run(slope, {x: [2.0, 3.0, 0.0]}).tolist() == [0, 0, 6]


def test_extrema_share_their_gradient_and_maximum_gives_it_to_the_first():
    x = constant([2.0, 5.0, 5.0])
    assert run(gradients(reduce.reduce_max(x), [x])[0]).tolist() == [0, 0.5, 0.5]
    y = constant([2.0, 4.0, 6.0])
    first, second = gradients(binary.maximum(x, y), [x, y])
    assert [v.tolist() for v in run([first, second])] == [[1, 1, 0], [0, 0, 1]]


def test_parts_of_sparse_tensors_and_slices():
    sparse = SparseTensor([[0], [2]], [-1.5, 4.0], [3])
    for build, expected in ((unary.abs, [1.5, 4]), (unary.negative, [1.5, -4]), (unary.square, [2.25, 16])):
        assert run(build(sparse).values).tolist() == expected
    assert run(casting.cast(sparse, int32).values).tolist() == [-1, 4]
    slices = IndexedSlices(constant(X), constant([0, 3]), constant([5, 2]))
    for clipped in (clipping.clip_by_norm(slices, 1.0), clipping.clip_by_global_norm([None, slices], 1.0)[0][1]):
        assert isinstance(clipped, IndexedSlices)
        np.testing.assert_allclose(run(clipped.values), np.array(X) / np.sqrt(30), rtol=1e-6)
    assert run(choice.clip_by_value(slices, 2.0, 3.0).values).tolist() == [[2, 2], [3, 3]]


def test_clipping_by_a_norm_that_is_not_finite():
    scaled, norm = clipping.clip_by_global_norm([constant([np.inf]), constant([1.0])], 1.0)
    values, size = run([scaled, norm])
    assert np.isinf(size) and all(np.isnan(v).all() for v in values)


def test_gradients_of_factors():
    """The factors read one triangle only: differences are taken through a symmetric product."""
    rng = np.random.default_rng(5)
    x = placeholder(float64, [3, 3])
    point, direction, weight = rng.normal(size=(3, 3, 3))
    product = products.matmul(x, x, transpose_b=True) + diagonals.eye(3, dtype=float64) * 3.0
    values, vectors = decompositions.self_adjoint_eig(product)
    for y in (solvers.cholesky(product), vectors * vectors * values, solvers.logdet(product)):
        loss = reduce.reduce_sum(y * weight)
        slope = run(gradients(loss, [x])[0], {x: point})
        up, down = (run(loss, {x: point + s * 1e-6 * direction}) for s in (1, -1))
        assert np.sum(slope * direction) == pytest.approx((up - down) / 2e-6, rel=1e-5)


@pytest.mark.parametrize("dtype", [float16, bfloat16])
def test_half_precision(dtype):
    x = constant([[0.25, 0.5], [0.75, 1.5]], dtype)
    builds = (
        unary.exp, unary.log1p, trigonometric.tanh, trigonometric.sigmoid, special.erf, special.lgamma, rounding.floor,
        reduce.reduce_sum, reduce.reduce_mean, reduce.reduce_prod, reduce.reduce_max, reduce.reduce_logsumexp,
        scans.cumsum, clipping.l2_normalize, lambda t: products.matmul(t, t), lambda t: clipping.clip_by_norm(t, 1.0),
        lambda t: top.top_k(t, 1).values, lambda t: segments_sparse.sparse_segment_mean(t, [0, 1], [0, 0]),
    )  # fmt: skip
    for build in builds:
        half, whole = build(x), build(casting.cast(x, float32))
        assert half.dtype == dtype
        results = run([half, whole, [g for g in gradients(half, [x]) if g is not None]])
        np.testing.assert_allclose(results[0].astype(np.float32), results[1], rtol=0.02)


def test_comparison_of_strings_and_scalars():
    names = constant(["a", "b"])
    assert run(comparison.equal(names, "b")).tolist() == [False, True]
    assert comparison.equal(names, "b").dtype == bool


def test_check_numerics_names_what_it_found():
    x = placeholder(float32)
    with pytest.raises(errors.InvalidArgumentError, match=r"loss : Tensor had Inf and NaN|loss : Tensor had NaN"):
        run(guards.check_numerics(x, "loss"), {x: [np.nan, np.inf]})


def test_confusion_matrix():
    counts = confusion.confusion_matrix([1, 2, 2], [2, 2, 0])
    assert run(counts).tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 1]]
    weighted = confusion.confusion_matrix([[0], [1]], [0, 1], 2, float32, weights=[0.5, 2.0])
    assert run(weighted).tolist() == [[0.5, 0], [0, 2]]
    x = placeholder(int32, [1])
    with pytest.raises(errors.InvalidArgumentError):
        run(confusion.confusion_matrix(x, x, 2), {x: [2]})


def test_lower_triangular_operators():
    x = np.array([[2.0, 9.0], [1.0, 4.0]])
    operator = linear_operator.LinearOperatorLowerTriangular(x)
    low = np.tril(x)
    vector = np.array([1.0, 2.0])
    for built, expected in (
        (operator.matvec(vector), low @ vector),
        (operator.matmul(x, adjoint=True), low.T @ x),
        (operator.solvevec(vector), np.linalg.solve(low, vector)),
        (operator.determinant(), 8),
        (operator.log_abs_determinant(), np.log(8)),
        (operator.trace(), 6),
        (operator.add_to_tensor(x), low + x),
    ):
        np.testing.assert_allclose(run(built), expected)
    with pytest.raises(TypeError, match="int32"):
        linear_operator.LinearOperatorLowerTriangular([[1]])
