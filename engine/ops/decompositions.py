"""Matrices taken apart: eigenvalues, singular values, QR."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, DType, float32, float64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample
from .array_order import matrix_transpose
from .array_shape import expand_dims
from .complex_parts import real
from .diagonals import matrix_band_part_op, matrix_diag_op, matrix_diag_part_op, matrix_set_diag_op
from .guards import zeros_like_op
from .products import matmul
from .solvers import adjoint, attempt, matrix_triangular_solve_op, oblong_fails, regular, square_sizes
from .unary import reciprocal_op, square_op

Gradients = list[Any]
_PRECISE: tuple[DType, ...] = (float32, float64, *COMPLEX)
_LOWER = (np.int64(-1), np.int64(0))


@op("SelfAdjointEigV2", "input: T", "e: T, v: T", T=_PRECISE)
def self_adjoint_eig_v2_op(input: Any, *, compute_v: bool = True, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues, in ascending order, and eigenvectors of matrices of which the lower triangle is read."""


@self_adjoint_eig_v2_op.shape
def self_adjoint_eig_v2_shape(context: InferenceContext) -> list[Sizes]:
    sizes = square_sizes(context)
    if sizes is None:
        return [None, None if context["compute_v"] else (0,)]
    return [sizes[:-1], sizes if context["compute_v"] else (0,)]


@self_adjoint_eig_v2_op.kernel
def self_adjoint_eig_v2_kernel(xp: Any, x: Any, *, compute_v: bool) -> Any:
    failed = "Self-adjoint eigen decomposition was not successful. The input might not be valid."
    if not compute_v:
        return attempt(lambda: xp.linalg.eigvalsh(x), failed).astype(x.dtype), xp.zeros(0, x.dtype)
    values, vectors = attempt(lambda: xp.linalg.eigh(x), failed)
    return values.astype(x.dtype), vectors


@self_adjoint_eig_v2_op.gradient
def self_adjoint_eig_v2_gradient(op: Operation, de: Tensor | None, dv: Tensor | None) -> Gradients:
    if op.attrs["compute_v"]:
        e, v = op.outputs
    else:
        e, v = self_adjoint_eig_v2_op(op.inputs[0])
    inner = matrix_diag_op(zeros_like_op(e) if de is None else de)
    if dv is not None and op.attrs["compute_v"]:
        inner = inner + _gaps(e) * matmul(v, dv, adjoint_a=True)
    whole = matmul(v, matmul(inner, v, adjoint_b=True))
    # Only the lower triangle of the input is read: the upper one's share is added there.
    lower = matrix_band_part_op(whole + adjoint(whole), *_LOWER)
    return [matrix_set_diag_op(lower, 0.5 * matrix_diag_part_op(lower))]


def _gaps(values: Tensor) -> Tensor:
    """1 / (x_j - x_i) with zeros on the diagonal."""
    apart = expand_dims(values, -2) - expand_dims(values, -1)
    apart = matrix_set_diag_op(apart, zeros_like_op(values) + np.ones((), values.dtype.base_dtype.numpy))
    return matrix_set_diag_op(reciprocal_op(apart), zeros_like_op(values))


@self_adjoint_eig_v2_op.samples
def self_adjoint_eig_v2_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(3, 3)) + np.diag([0.0, 4, 9])
    return [
        Sample((x + x.T,), {"compute_v": False}),
        Sample((np.stack([x + x.T, np.eye(3)]),), differentiable=False),
        Sample((np.array([[2, 1j], [-1j, 3]]),), differentiable=False),
    ]


self_adjoint_eig_v2_op.failing(oblong_fails)


@op("Svd", "input: T", "s: T, u: T, v: T", T=_PRECISE)
def svd_op(
    input: Any, *, compute_uv: bool = True, full_matrices: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Singular values in descending order, and the left and right singular vectors: input = u diag(s) v^H."""


@svd_op.shape
def svd_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 2)
    if sizes is None:
        return [None, None, None] if context["compute_uv"] else [None, (0,), (0,)]
    batch, (m, n) = sizes[:-2], sizes[-2:]
    least = None if m is None or n is None else min(m, n)
    if not context["compute_uv"]:
        return [(*batch, least), (0,), (0,)]
    full = context["full_matrices"]
    return [(*batch, least), (*batch, m, m if full else least), (*batch, n, n if full else least)]


@svd_op.kernel
def svd_kernel(xp: Any, x: Any, *, compute_uv: bool, full_matrices: bool) -> Any:
    failed = "Singular value decomposition did not converge."
    if not compute_uv:
        values = attempt(lambda: xp.linalg.svd(x, compute_uv=False), failed)
        return values.astype(x.dtype), xp.zeros(0, x.dtype), xp.zeros(0, x.dtype)
    u, s, vh = attempt(lambda: xp.linalg.svd(x, full_matrices), failed)
    return s.astype(x.dtype), u, xp.conj(xp.swapaxes(vh, -1, -2))


@svd_op.gradient
def svd_gradient(op: Operation, ds: Tensor | None, du: Tensor | None, dv: Tensor | None) -> Gradients:
    x = op.inputs[0]
    s, u, v = op.outputs
    slope = matrix_diag_op(zeros_like_op(s) if ds is None else ds)
    if not op.attrs["compute_uv"]:
        _, u, v = svd_op(x)
        return [matmul(u, matmul(slope, v, adjoint_b=True))]
    m, n = (x.sizes or (None, None))[-2:]
    if m is None or n is None:
        raise NotImplementedError("SVD gradient has not been implemented for input with unknown inner matrix shape.")
    if op.attrs["full_matrices"] and m != n:
        raise NotImplementedError(
            "SVD gradient is not implemented for full_matrices=True of matrices that are not square"
        )
    du = zeros_like_op(u) if du is None else du
    dv = zeros_like_op(v) if dv is None else dv
    if m > n:
        return [adjoint(_svd_back(s, v, u, slope, dv, du, False))]
    return [_svd_back(s, u, v, slope, du, dv, m == n)]


def _svd_back(s: Tensor, u: Tensor, v: Tensor, slope: Tensor, du: Tensor, dv: Tensor, is_square: bool) -> Tensor:
    """The gradient for a matrix with no more rows than columns."""
    weights = matrix_diag_op(s)
    gaps = _gaps(square_op(s))
    by_u, by_v = gaps * matmul(u, du, adjoint_a=True), gaps * matmul(v, dv, adjoint_a=True)
    inner = slope + matmul(by_u + adjoint(by_u), weights) + matmul(weights, by_v + adjoint(by_v))
    whole = matmul(u, matmul(inner, v, adjoint_b=True))
    if is_square:
        return whole
    turned = matrix_transpose(dv)
    outside = turned - matmul(matmul(turned, v), v, adjoint_b=True)
    return whole + matmul(matmul(u, matrix_diag_op(reciprocal_op(s))), outside)


@svd_op.samples
def svd_samples(rng: np.random.Generator) -> list[Sample]:
    wide = rng.normal(size=(2, 3)) + np.eye(2, 3) * [2, 5, 0]
    return [
        Sample((wide,), second=False),
        Sample((wide.T.copy(),), second=False),
        Sample((rng.normal(size=(2, 3, 3)),), {"compute_uv": False}),
        Sample((wide,), {"full_matrices": True}, differentiable=False),
    ]


@svd_op.failing
def svd_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(3),), ValueError, "rank at least 2")]


@op("Qr", "input: T", "q: T, r: T", T=_PRECISE)
def qr_op(input: Any, *, full_matrices: bool = False, name: str | None = None) -> Qr:
    """Matrices as products of a unitary and an upper triangular one."""


class Qr(NamedTuple):
    """The unitary and the triangular factor."""

    q: Tensor
    r: Tensor


@qr_op.shape
def qr_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 2)
    if sizes is None:
        return [None, None]
    batch, (m, n) = sizes[:-2], sizes[-2:]
    inner = m if context["full_matrices"] else None if m is None or n is None else min(m, n)
    return [(*batch, m, inner), (*batch, inner, n)]


@qr_op.kernel
def qr_kernel(xp: Any, x: Any, *, full_matrices: bool) -> Any:
    return tuple(xp.linalg.qr(x, "complete" if full_matrices else "reduced"))


@qr_op.gradient
def qr_gradient(op: Operation, dq: Tensor | None, dr: Tensor | None) -> Gradients:
    q, r = op.outputs
    dq = zeros_like_op(q) if dq is None else dq
    dr = zeros_like_op(r) if dr is None else dr
    if r.sizes is None or None in r.sizes[-2:] or r.sizes[-2] != r.sizes[-1]:
        raise NotImplementedError(f"QrGrad not implemented for matrices with r of shape {r.shape}: r must be square")
    by_q, by_r = matmul(q, dq, adjoint_a=True), matmul(r, dr, adjoint_b=True)
    lower = matrix_band_part_op(by_q - adjoint(by_q) + by_r - adjoint(by_r), *_LOWER)
    return [matmul(q, dr + _divided(lower, r)) + _divided(dq - matmul(q, by_q), r)]


def _divided(x: Tensor, r: Tensor) -> Tensor:
    """X r^-H."""
    return adjoint(matrix_triangular_solve_op(r, adjoint(x), lower=False))


@qr_op.samples
def qr_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((regular(rng, 3, 3),), second=False),
        Sample((regular(rng, 2, 4, 2),), second=False),
        Sample((rng.normal(size=(2, 4)),), differentiable=False),
        Sample((rng.normal(size=(4, 2)),), {"full_matrices": True}, differentiable=False),
    ]


@qr_op.failing
def qr_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(3),), ValueError, "rank at least 2")]


# TensorFlow's names


def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues [..., n], ascending, and eigenvectors [..., n, n] (in columns) of self-adjoint matrices.

    Only the lower triangle is read. As `tf.linalg.eigh`.
    """
    e, v = self_adjoint_eig_v2_op(tensor, compute_v=True, name=name)
    return e, v


def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues [..., n] of self-adjoint matrices, ascending."""
    return self_adjoint_eig_v2_op(tensor, compute_v=False, name=name)[0]


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular value decompositions: tensor = u diag(s) v^H.

    Args:
        tensor: [..., m, n].
        full_matrices: u is [..., m, m] and v [..., n, n], and not just the first min(m, n) columns.
        compute_uv: without it only s is returned.

    Returns:
        s, u, v with s [..., min(m, n)] real and descending; or s alone.
    """
    s, u, v = svd_op(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    s = real(s)
    return (s, u, v) if compute_uv else s


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Qr:
    """QR decompositions: q unitary, r upper triangular, q r = input.

    Args:
        input: [..., m, n].
        full_matrices: q is [..., m, m], and not just its first min(m, n) columns.
    """
    return qr_op(convert_to_tensor(input, name="input"), full_matrices=full_matrices, name=name)
