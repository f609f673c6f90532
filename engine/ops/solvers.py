"""Inverses, determinants, Cholesky factors and solutions of linear systems, over batches of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import COMPLEX, DType, float32, float64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from .array import shape
from .array_order import matrix_transpose
from .complex_parts import conjugate
from .diagonals import eye, matrix_band_part_op, matrix_diag_part_op, matrix_set_diag_op
from .products import matmul

Gradients = list[Any]
_PRECISE: tuple[DType, ...] = (float32, float64, *COMPLEX)


def square_sizes(context: InferenceContext, index: int = 0) -> Sizes:
    """The sizes of an input that must hold square matrices."""
    sizes = context.with_rank_at_least(index, 2)
    if sizes is None:
        return None
    if None not in sizes[-2:] and sizes[-1] != sizes[-2]:
        raise ValueError(f"Dimensions must be equal: the matrices of shape {show(sizes)} are not square")
    side = sizes[-1] if sizes[-2] is None else sizes[-2]
    return (*sizes[:-2], side, side)


def _square_shape(context: InferenceContext) -> list[Sizes]:
    return [square_sizes(context)]


def _scalars_shape(context: InferenceContext) -> list[Sizes]:
    sizes = square_sizes(context)
    batch = None if sizes is None else sizes[:-2]
    return [batch] * len(context.definition.outputs)


def attempt(function: Callable[[], Any], text: str) -> Any:
    """The result of NumPy's linear algebra; InvalidArgumentError with `text` where it finds no solution."""
    try:
        return function()
    except np.linalg.LinAlgError as error:
        raise InvalidArgumentError(None, None, f"{text} ({error})") from None


def transposed(x: Any) -> Any:
    """The conjugate transposes of the matrices of an array."""
    turned = np.swapaxes(x, -1, -2)
    return np.conj(turned) if x.dtype.kind == "c" else turned


def adjoint(x: Tensor) -> Tensor:
    """The conjugate transposes of the matrices of a tensor."""
    return matrix_transpose(x, conjugate=True)


@op("MatrixInverse", "input: T", "output: T", shape=_square_shape, T=_PRECISE)
def matrix_inverse_op(input: Any, *, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices or of their adjoints; InvalidArgumentError for singular ones."""


@matrix_inverse_op.kernel
def matrix_inverse_kernel(xp: Any, x: Any, *, adjoint: bool) -> Any:
    return attempt(lambda: xp.linalg.inv(transposed(x) if adjoint else x), "Input is not invertible.")


@matrix_inverse_op.gradient
def matrix_inverse_gradient(op: Operation, dy: Tensor) -> Gradients:
    inverse = op.outputs[0]
    if op.attrs["adjoint"]:
        return [_of_adjoint(op, dy)]
    return [-matmul(inverse, matmul(dy, inverse, adjoint_b=True), adjoint_a=True)]


def _of_adjoint(op: Operation, dy: Tensor) -> Tensor:
    # The inverse of the adjoint is the adjoint of the inverse.
    inverse, turned = adjoint(op.outputs[0]), adjoint(dy)
    return -matmul(inverse, matmul(turned, inverse, adjoint_b=True), adjoint_a=True)


@op("MatrixDeterminant", "input: T", "output: T", shape=_scalars_shape, T=_PRECISE)
def matrix_determinant_op(input: Any, *, name: str | None = None) -> Tensor:
    """The determinants of square matrices."""


@matrix_determinant_op.kernel
def matrix_determinant_kernel(xp: Any, x: Any) -> Any:
    return xp.linalg.det(x)


@matrix_determinant_op.gradient
def matrix_determinant_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array_shape import expand_dims

    inverse = matrix_inverse_op(op.inputs[0], adjoint=True)
    factor = dy * conjugate(op.outputs[0])
    return [expand_dims(expand_dims(factor, -1), -1) * inverse]


@op("LogMatrixDeterminant", "input: T", "sign: T, log_abs_determinant: T", shape=_scalars_shape, T=_PRECISE)
def log_matrix_determinant_op(input: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The signs of determinants and the logarithms of their absolute values."""


@log_matrix_determinant_op.kernel
def log_matrix_determinant_kernel(xp: Any, x: Any) -> Any:
    sign, logarithm = xp.linalg.slogdet(x)
    return sign, xp.asarray(logarithm, x.dtype)


@log_matrix_determinant_op.gradient
def log_matrix_determinant_gradient(op: Operation, dsign: Tensor | None, dlog: Tensor | None) -> Gradients:
    from .array_shape import expand_dims

    if dlog is None:
        return [None]
    return [expand_dims(expand_dims(dlog, -1), -1) * matrix_inverse_op(op.inputs[0], adjoint=True)]


@op("Cholesky", "input: T", "output: T", shape=_square_shape, T=_PRECISE)
def cholesky_op(input: Any, *, name: str | None = None) -> Tensor:
    """The lower factors L with L L^H = input, of which only the lower triangle is read."""


@cholesky_op.kernel
def cholesky_kernel(xp: Any, x: Any) -> Any:
    failed = "Cholesky decomposition was not successful. The input might not be valid."
    return attempt(lambda: xp.linalg.cholesky(x), failed)


@cholesky_op.gradient
def cholesky_gradient(op: Operation, dy: Tensor) -> Gradients:
    factor = op.outputs[0]
    return [_cholesky_back(factor, dy)]


def _cholesky_back(factor: Tensor, dy: Tensor) -> Tensor:
    identity = eye(shape(factor)[-1], batch_shape=shape(factor)[:-2], dtype=factor.dtype.base_dtype)
    inverse = matrix_triangular_solve_op(factor, identity)
    middle = matmul(factor, dy, adjoint_a=True)
    middle = matrix_set_diag_op(middle, 0.5 * matrix_diag_part_op(middle))
    middle = matrix_band_part_op(middle, np.int64(-1), np.int64(0))
    half = matmul(matmul(inverse, middle, adjoint_a=True), inverse)
    return 0.5 * (half + adjoint(half))


@op("CholeskyGrad", "l: T, grad: T", "output: T", T=(float32, float64))
def cholesky_grad_op(l: Any, grad: Any, *, name: str | None = None) -> Tensor:  # noqa: E741  TensorFlow's name
    """The gradient of Cholesky from its result, in the lower triangle."""


@cholesky_grad_op.shape
def cholesky_grad_shape(context: InferenceContext) -> list[Sizes]:
    return [merge_sizes(square_sizes(context, 0), square_sizes(context, 1))]


@cholesky_grad_op.kernel
def cholesky_grad_kernel(xp: Any, factor: Any, grad: Any) -> Any:
    middle = xp.tril(xp.matmul(transposed(factor), grad))
    places = np.arange(factor.shape[-1])
    middle[..., places, places] *= 0.5
    failed = "Cholesky decomposition was not successful. The input might not be valid."
    half = attempt(lambda: xp.linalg.solve(transposed(xp.tril(factor)), middle), failed)
    half = transposed(xp.linalg.solve(transposed(xp.tril(factor)), transposed(half)))
    whole = xp.tril(half + transposed(half))
    whole[..., places, places] *= 0.5
    return whole


cholesky_grad_op.not_differentiable = True


@op("MatrixSolve", "matrix: T, rhs: T", "output: T", T=_PRECISE)
def matrix_solve_op(matrix: Any, rhs: Any, *, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The x with matrix x = rhs, or with its adjoint; InvalidArgumentError for singular matrices."""


@op("MatrixTriangularSolve", "matrix: T, rhs: T", "output: T", T=_PRECISE)
def matrix_triangular_solve_op(
    matrix: Any, rhs: Any, *, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The x with matrix x = rhs, of which only one triangle is read; InvalidArgumentError for singular matrices."""


@matrix_solve_op.shape
@matrix_triangular_solve_op.shape
def solve_shape(context: InferenceContext) -> list[Sizes]:
    matrix, rhs = square_sizes(context), context.with_rank_at_least(1, 2)
    if matrix is None or rhs is None:
        return [rhs]
    merge_sizes(matrix[:-1], rhs[:-1])
    return [(*(b if a is None else a for a, b in zip(matrix[:-1], rhs[:-1], strict=True)), rhs[-1])]


@matrix_solve_op.kernel
def matrix_solve_kernel(xp: Any, matrix: Any, rhs: Any, *, adjoint: bool) -> Any:
    factor = transposed(matrix) if adjoint else matrix
    return attempt(lambda: xp.linalg.solve(factor, rhs), "Input matrix is not invertible.")


@matrix_triangular_solve_op.kernel
def matrix_triangular_solve_kernel(xp: Any, matrix: Any, rhs: Any, *, lower: bool, adjoint: bool) -> Any:
    factor = xp.tril(matrix) if lower else xp.triu(matrix)
    factor = transposed(factor) if adjoint else factor
    return attempt(lambda: xp.linalg.solve(factor, rhs), "Input matrix is not invertible.")


@matrix_solve_op.gradient
def matrix_solve_gradient(op: Operation, dy: Tensor) -> Gradients:
    is_adjoint, x = op.attrs["adjoint"], op.outputs[0]
    drhs = matrix_solve_op(op.inputs[0], dy, adjoint=not is_adjoint)
    first, second = (x, drhs) if is_adjoint else (drhs, x)
    return [-matmul(first, second, adjoint_b=True), drhs]


@matrix_triangular_solve_op.gradient
def matrix_triangular_solve_gradient(op: Operation, dy: Tensor) -> Gradients:
    is_adjoint, lower, x = op.attrs["adjoint"], op.attrs["lower"], op.outputs[0]
    drhs = matrix_triangular_solve_op(op.inputs[0], dy, lower=lower, adjoint=not is_adjoint)
    first, second = (x, drhs) if is_adjoint else (drhs, x)
    widths = (np.int64(-1), np.int64(0)) if lower else (np.int64(0), np.int64(-1))
    return [matrix_band_part_op(-matmul(first, second, adjoint_b=True), *widths), drhs]


@op("MatrixSolveLs", "matrix: T, rhs: T, l2_regularizer: double", "output: T", T=_PRECISE)
def matrix_solve_ls_op(
    matrix: Any, rhs: Any, l2_regularizer: Any, *, fast: bool = True, name: str | None = None
) -> Tensor:
    """The x that makes |matrix x - rhs|^2 + l2 |x|^2 least; of several the shortest."""


@matrix_solve_ls_op.shape
def matrix_solve_ls_shape(context: InferenceContext) -> list[Sizes]:
    matrix, rhs = context.with_rank_at_least(0, 2), context.with_rank_at_least(1, 2)
    if matrix is None or rhs is None:
        return [None]
    merge_sizes(matrix[:-1], rhs[:-1])
    return [(*matrix[:-2], matrix[-1], rhs[-1])]


@matrix_solve_ls_op.kernel
def matrix_solve_ls_kernel(xp: Any, matrix: Any, rhs: Any, l2: Any, *, fast: bool) -> Any:
    if not fast:
        return attempt(lambda: xp.matmul(xp.linalg.pinv(matrix), rhs), "Input matrix has no pseudo-inverse.")
    turned = transposed(matrix)
    tall = matrix.shape[-2] >= matrix.shape[-1]
    gramian = xp.matmul(turned, matrix) if tall else xp.matmul(matrix, turned)
    gramian = gramian + np.eye(gramian.shape[-1], dtype=matrix.dtype) * matrix.dtype.type(l2)
    failed = "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or a larger l2_regularizer."
    if tall:
        return attempt(lambda: xp.linalg.solve(gramian, xp.matmul(turned, rhs)), failed)
    return xp.matmul(turned, attempt(lambda: xp.linalg.solve(gramian, rhs), failed))


@matrix_solve_ls_op.gradient
def matrix_solve_ls_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .casting import cast

    matrix, rhs, l2 = op.inputs
    sizes = (matrix.sizes or (None, None))[-2:]
    if None in sizes:
        raise ValueError(f"the gradient of MatrixSolveLs needs to know the sizes of the matrices: {matrix!r}")
    weight = cast(l2, matrix.dtype.base_dtype)
    back = _tall_back if sizes[0] >= sizes[1] else _wide_back  # type: ignore[operator]
    return [*back(matrix, rhs, op.outputs[0], weight, dy), None]


def _gramian(matrix: Tensor, weight: Tensor, tall: bool) -> Tensor:
    product = matmul(matrix, matrix, adjoint_a=tall, adjoint_b=not tall)
    side = (product.sizes or (None,))[-1]
    return product + weight * eye(side, dtype=matrix.dtype.base_dtype)


def _tall_back(matrix: Tensor, rhs: Tensor, x: Tensor, weight: Tensor, dy: Tensor) -> list[Tensor]:
    z = matrix_solve_op(_gramian(matrix, weight, True), dy)
    outer = matmul(x, z, adjoint_b=True)
    dmatrix = -matmul(matrix, outer + adjoint(outer)) + matmul(rhs, z, adjoint_b=True)
    return [dmatrix, matmul(matrix, z)]


def _wide_back(matrix: Tensor, rhs: Tensor, x: Tensor, weight: Tensor, dy: Tensor) -> list[Tensor]:
    gramian = _gramian(matrix, weight, False)
    drhs = matrix_solve_op(gramian, matmul(matrix, dy))
    inner = matrix_solve_op(gramian, rhs)
    first = -matmul(drhs, matmul(inner, matrix, adjoint_a=True))
    second = matmul(inner, dy - matmul(matrix, drhs, adjoint_a=True), adjoint_b=True)
    return [first + second, drhs]


def regular(rng: np.random.Generator, *sizes: int) -> Any:
    """Matrices far from singular."""
    return rng.normal(size=sizes) + 4 * np.eye(sizes[-2], sizes[-1])


def regular_samples(rng: np.random.Generator) -> list[Sample]:
    """One matrix, a batch, none, and a complex one."""
    turned = regular(rng, 2, 2) + 1j * regular(rng, 2, 2)
    return [
        Sample((regular(rng, 3, 3),)),
        Sample((regular(rng, 2, 3, 3),)),
        Sample((np.zeros((0, 2, 2)),)),
        Sample((turned,), differentiable=False),
    ]


@matrix_inverse_op.samples
def matrix_inverse_samples(rng: np.random.Generator) -> list[Sample]:
    return [*regular_samples(rng), Sample((regular(rng, 2, 2),), {"adjoint": True})]


matrix_determinant_op.samples(regular_samples)


@log_matrix_determinant_op.samples
def log_matrix_determinant_samples(rng: np.random.Generator) -> list[Sample]:
    return regular_samples(rng)


@cholesky_op.samples
def cholesky_samples(rng: np.random.Generator) -> list[Sample]:
    # Only one triangle is read, while the gradient is symmetric: differences are taken in the family's own tests.
    x = regular(rng, 2, 3, 3)
    return [Sample((x @ x.swapaxes(1, 2),), differentiable=False), Sample((np.zeros((0, 0)),))]


@cholesky_grad_op.samples
def cholesky_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.tril(regular(rng, 3, 3)), np.tril(rng.normal(size=(3, 3)))), differentiable=False)]


@matrix_inverse_op.failing
def matrix_inverse_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 2)),), InvalidArgumentError, "not invertible", at_run=True),
        Failure((np.ones((2, 3)),), ValueError, "not square"),
    ]


@matrix_determinant_op.failing
@log_matrix_determinant_op.failing
def oblong_fails(rng: np.random.Generator) -> list[Failure]:
    """Matrices that are not square, and a vector."""
    return [
        Failure((np.ones((2, 3)),), ValueError, "not square"),
        Failure((np.ones(3),), ValueError, "rank at least 2"),
    ]


@cholesky_op.failing
def cholesky_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((-np.eye(2),), InvalidArgumentError, "not successful", at_run=True), *oblong_fails(rng)]


@matrix_solve_op.samples
def matrix_solve_samples(rng: np.random.Generator) -> list[Sample]:
    batch = (regular(rng, 2, 3, 3), rng.normal(size=(2, 3, 1)))
    return [Sample((regular(rng, 3, 3), rng.normal(size=(3, 2)))), Sample(batch, {"adjoint": True})]


@matrix_triangular_solve_op.samples
def matrix_triangular_solve_samples(rng: np.random.Generator) -> list[Sample]:
    ways = [{"lower": a, "adjoint": b} for a in (True, False) for b in (True, False)]
    return [Sample((regular(rng, 3, 3), rng.normal(size=(3, 2))), way) for way in ways]


@matrix_solve_op.failing
@matrix_triangular_solve_op.failing
def solve_failing(rng: np.random.Generator) -> list[Failure]:
    """A singular matrix, and a right side that does not fit."""
    return [
        Failure((np.zeros((2, 2)), np.ones((2, 1))), InvalidArgumentError, "not invertible", at_run=True),
        Failure((np.eye(2), np.ones((3, 1))), ValueError, "2|3"),
    ]


@matrix_solve_ls_op.samples
def matrix_solve_ls_samples(rng: np.random.Generator) -> list[Sample]:
    tall, wide = regular(rng, 4, 2), regular(rng, 2, 4)
    return [
        Sample((tall, rng.normal(size=(4, 2)), np.float64(0)), gradients=(0, 1)),
        Sample((wide, rng.normal(size=(2, 1)), np.float64(0.5)), gradients=(0, 1)),
        Sample((tall, rng.normal(size=(4, 2)), np.float64(0)), {"fast": False}, differentiable=False),
    ]


@matrix_solve_ls_op.failing
def matrix_solve_ls_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 2)), np.ones((3, 1)), np.float64(0)), ValueError, "2|3")]


# TensorFlow's names


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices [..., n, n], or of their adjoints.

    Raises:
        InvalidArgumentError: a matrix is singular, when run.
    """
    return matrix_inverse_op(input, adjoint=adjoint, name=name)


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinants [...] of square matrices [..., n, n]."""
    return matrix_determinant_op(input, name=name)


def slogdet(input: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The signs of determinants and the logarithms of their absolute values, as `tf.linalg.slogdet`."""
    return log_matrix_determinant_op(input, name=name)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithms of the determinants of positive definite matrices, as `tf.linalg.logdet`."""
    from .reduce import reduce_sum
    from .unary import log

    return 2.0 * reduce_sum(log(matrix_diag_part_op(cholesky_op(matrix, name=name))), [-1])


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower factors L of positive definite matrices: L L^H = input, whose lower triangle alone is read.

    Raises:
        InvalidArgumentError: a matrix is not positive definite, when run.
    """
    return cholesky_op(input, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """The x with A x = rhs from the Cholesky factors of A."""
    inner = matrix_triangular_solve_op(chol, rhs)
    return matrix_triangular_solve_op(chol, inner, adjoint=True, name=name)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The x with matrix x = rhs.

    Args:
        matrix: [..., n, n].
        rhs: [..., n, k].
        adjoint: solve with the adjoint of the matrix.

    Raises:
        InvalidArgumentError: a matrix is singular, when run.
    """
    return matrix_solve_op(matrix, rhs, adjoint=adjoint, name=name)


def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The x with matrix x = rhs, of which only the lower (or upper) triangle is read; see `matrix_solve`."""
    return matrix_triangular_solve_op(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


def matrix_solve_ls(
    matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """The x that makes |matrix x - rhs|^2 + l2_regularizer |x|^2 least, as `tf.linalg.lstsq`.

    Args:
        matrix: [..., m, n].
        rhs: [..., m, k].
        l2_regularizer: a scalar, not negative.
        fast: solve the normal equations; otherwise by the pseudo-inverse, without the regularizer.
    """
    return matrix_solve_ls_op(matrix, rhs, l2_regularizer, fast=fast, name=name)
