"""Diagonals of matrices: taking, building, replacing them; bands, identities, traces."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import ALL, COMPLEX, FLOATING, INDEX, as_dtype, float32, int32, int64
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, show
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from .array import stack
from .guards import zeros_like_op

Gradients = list[Any]
_NUMBERS = (*FLOATING, *COMPLEX, int32, int64)
_VALUES = tuple(d for d in ALL if d.numpy.kind != "O")


@op("Diag", "diagonal: T", "output: T", T=_NUMBERS)
def diag_op(diagonal: Any, *, name: str | None = None) -> Tensor:
    """A tensor of twice the rank with `diagonal` at equal places of both halves, and zeros."""


@diag_op.shape
def diag_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 1)
    return [None if sizes is None else (*sizes, *sizes)]


@diag_op.kernel
def diag_kernel(xp: Any, x: Any) -> Any:
    if not x.ndim:
        raise ValueError("Input must be at least rank 1, got 0")
    return xp.diag(x.reshape(-1)).reshape(*x.shape, *x.shape)


@diag_op.gradient
def diag_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [diag_part_op(dy)]


@op("DiagPart", "input: T", "diagonal: T", T=_NUMBERS)
def diag_part_op(input: Any, *, name: str | None = None) -> Tensor:
    """The elements at equal places of the first and the second half of the axes."""


@diag_part_op.shape
def diag_part_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 2)
    if sizes is None:
        return [None]
    if len(sizes) % 2:
        raise ValueError(f"Input must have even and non-zero rank, got shape {show(sizes)}")
    half = len(sizes) // 2
    return [merge_sizes(sizes[:half], sizes[half:])]


@diag_part_op.kernel
def diag_part_kernel(xp: Any, x: Any) -> Any:
    half = x.ndim // 2
    if x.ndim % 2 or not x.ndim or x.shape[:half] != x.shape[half:]:
        raise ValueError(f"Input must have two equal halves of axes, got shape {list(x.shape)}")
    number = int(np.prod(x.shape[:half], dtype=np.int64))
    return xp.array(xp.diagonal(x.reshape(number, number))).reshape(x.shape[:half])


@diag_part_op.gradient
def diag_part_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [diag_op(dy)]


@op("MatrixDiag", "diagonal: T", "output: T", T=_VALUES)
def matrix_diag_op(diagonal: Any, *, name: str | None = None) -> Tensor:
    """Square matrices with the given diagonals, and zeros."""


@matrix_diag_op.shape
def matrix_diag_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 1)
    return [None if sizes is None else (*sizes, sizes[-1])]


@matrix_diag_op.kernel
def matrix_diag_kernel(xp: Any, x: Any) -> Any:
    result = xp.empty((*x.shape, x.shape[-1]), x.dtype)
    matrix_diag_into(xp, result, x)
    return result


@matrix_diag_op.into
def matrix_diag_into(xp: Any, out: Any, x: Any) -> None:
    out[...] = 0
    places = np.arange(x.shape[-1])
    out[..., places, places] = x


@matrix_diag_op.gradient
def matrix_diag_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [matrix_diag_part_op(dy)]


@op("MatrixDiagPart", "input: T", "diagonal: T", T=_VALUES)
def matrix_diag_part_op(input: Any, *, name: str | None = None) -> Tensor:
    """The main diagonals of matrices."""


@matrix_diag_part_op.shape
def matrix_diag_part_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 2)
    return [None if sizes is None else (*sizes[:-2], _shorter(sizes[-2], sizes[-1]))]


def _shorter(rows: int | None, columns: int | None) -> int | None:
    return None if rows is None or columns is None else min(rows, columns)


@matrix_diag_part_op.kernel
def matrix_diag_part_kernel(xp: Any, x: Any) -> Any:
    return xp.array(xp.diagonal(x, axis1=-2, axis2=-1))


@matrix_diag_part_op.gradient
def matrix_diag_part_gradient(op: Operation, dy: Tensor) -> Gradients:
    x = op.inputs[0]
    return [matrix_set_diag_op(zeros_like_op(x), dy)]


@op("MatrixSetDiag", "input: T, diagonal: T", "output: T", T=_VALUES)
def matrix_set_diag_op(input: Any, diagonal: Any, *, name: str | None = None) -> Tensor:
    """Matrices with their main diagonals replaced."""


@matrix_set_diag_op.shape
def matrix_set_diag_shape(context: InferenceContext) -> list[Sizes]:
    sizes, diagonal = context.with_rank_at_least(0, 2), context.with_rank_at_least(1, 1)
    if sizes is not None:
        merge_sizes((*sizes[:-2], _shorter(sizes[-2], sizes[-1])), diagonal)
    return [sizes]


@matrix_set_diag_op.kernel
def matrix_set_diag_kernel(xp: Any, x: Any, diagonal: Any) -> Any:
    wanted = (*x.shape[:-2], min(x.shape[-2:]))
    if diagonal.shape != wanted:
        raise ValueError(f"must have diagonal.shape == {list(wanted)}, got {list(diagonal.shape)}")
    result = xp.array(x)
    places = np.arange(wanted[-1])
    result[..., places, places] = diagonal
    return result


@matrix_set_diag_op.gradient
def matrix_set_diag_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [matrix_set_diag_op(dy, zeros_like_op(op.inputs[1])), matrix_diag_part_op(dy)]


@op("MatrixBandPart", "input: T, num_lower: Tindex, num_upper: Tindex", "band: T", T=_VALUES, Tindex=INDEX)
def matrix_band_part_op(input: Any, num_lower: Any, num_upper: Any, *, name: str | None = None) -> Tensor:
    """Matrices with zeros outside a band around the main diagonal; a negative width keeps that whole side."""


@matrix_band_part_op.shape
def matrix_band_part_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(1, 0)
    context.with_rank(2, 0)
    return [context.with_rank_at_least(0, 2)]


@matrix_band_part_op.kernel
def matrix_band_part_kernel(xp: Any, x: Any, lower: Any, upper: Any) -> Any:
    return xp.where(_band(x.shape, int(lower), int(upper)), x, xp.zeros((), x.dtype))


def _band(sizes: tuple[int, ...], lower: int, upper: int) -> Any:
    rows, columns = sizes[-2:]
    if lower > rows or upper > columns:
        raise ValueError(f"num_lower {lower} and num_upper {upper} must not exceed the sizes {rows} and {columns}")
    above = np.arange(columns) - np.arange(rows)[:, None]
    return ((lower < 0) | (-above <= lower)) & ((upper < 0) | (above <= upper))


@matrix_band_part_op.gradient
def matrix_band_part_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [matrix_band_part_op(dy, op.inputs[1], op.inputs[2]), None, None]


@diag_op.samples
def diag_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=3),)), Sample((rng.normal(size=(2, 3)),)), Sample((np.array([1, 2], np.int32),))]


@diag_part_op.samples
def diag_part_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(3, 3)),)), Sample((rng.normal(size=(2, 3, 2, 3)),))]


@diag_part_op.failing
def diag_part_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 2, 2)),), ValueError, "even"), Failure((np.ones((2, 3)),), ValueError, "2|3")]


@matrix_diag_op.samples
def matrix_diag_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)),)), Sample((rng.normal(size=3),)), Sample((np.array([True]),))]


@matrix_diag_part_op.samples
def matrix_diag_part_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3, 4)),)), Sample((rng.normal(size=(3, 2)),)), Sample((np.zeros((0, 2)),))]


@matrix_set_diag_op.samples
def matrix_set_diag_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3)))), Sample((np.ones((2, 2)), np.zeros(2)))]


@matrix_set_diag_op.failing
def matrix_set_diag_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 2)), np.ones(3)), ValueError, "2|3")]


@matrix_band_part_op.samples
def matrix_band_part_samples(rng: np.random.Generator) -> list[Sample]:
    widths = [(1, 0), (-1, 1), (0, -1), (2, 2)]
    x = rng.normal(size=(2, 3, 4))
    return [Sample((x, np.int32(low), np.int32(up)), gradients=(0,)) for low, up in widths]


@matrix_diag_op.failing
@diag_op.failing
def scalar_fails(rng: np.random.Generator) -> list[Failure]:
    """A scalar, which is no diagonal."""
    return [Failure((np.float64(1),), ValueError, "rank at least 1")]


@matrix_diag_part_op.failing
def vector_fails(rng: np.random.Generator) -> list[Failure]:
    """A vector, which has no diagonal."""
    return [Failure((np.ones(2),), ValueError, "rank at least 2")]


@matrix_band_part_op.failing
def matrix_band_part_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2), np.int32(0), np.int32(0)), ValueError, "rank at least 2")]


# TensorFlow's names


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of twice the rank of `diagonal`, which stands at equal places of both halves, and zeros elsewhere."""
    return diag_op(diagonal, name=name)


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The elements at equal places of the first and the second half of the axes, as `tf.linalg.tensor_diag_part`."""
    return diag_part_op(input, name=name)


def matrix_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Square matrices [..., n, n] with the diagonals [..., n], as `tf.linalg.diag`."""
    return matrix_diag_op(diagonal, name=name)


def matrix_diag_part(input: Any, name: str | None = None) -> Tensor:
    """The main diagonals of matrices [..., m, n], as `tf.linalg.diag_part`."""
    return matrix_diag_part_op(input, name=name)


def matrix_set_diag(input: Any, diagonal: Any, name: str | None = None) -> Tensor:
    """Matrices [..., m, n] with their main diagonals replaced by [..., min(m, n)]."""
    return matrix_set_diag_op(input, diagonal, name=name)


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Matrices with zeros outside a band of `num_lower` diagonals below and `num_upper` above the main one.

    A negative number keeps that whole side: (0, -1) is the upper triangle, (-1, 0) the lower one.
    """
    return matrix_band_part_op(input, num_lower, num_upper, name=name)


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """An identity matrix, or a batch of them.

    Args:
        num_rows: a number, or a scalar tensor.
        num_columns: the same; by default num_rows.
        batch_shape: the sizes before the matrices.
        dtype: element type.
    """
    columns = num_rows if num_columns is None else num_columns
    batch = [] if batch_shape is None else batch_shape
    kind = as_dtype(dtype).numpy
    with get_default_graph().name_scope(name or "eye") as scope:
        if not any(isinstance(v, Tensor) for v in (num_rows, columns, batch)):
            from .constant import constant

            sizes = tuple(int(s) for s in batch)
            one = np.eye(int(num_rows), int(columns), dtype=kind)
            return constant(np.broadcast_to(one, (*sizes, *one.shape)), name=scope)
        from .array_parts import concat, ones, zeros
        from .binary import minimum

        rows, columns = (convert_to_tensor(v, int32) for v in (num_rows, columns))
        outer = convert_to_tensor(batch, int32)
        diagonal = ones(concat([outer, stack([minimum(rows, columns)])], 0), dtype)
        if num_columns is None:
            return matrix_diag_op(diagonal, name=scope)
        return matrix_set_diag_op(zeros(concat([outer, stack([rows, columns])], 0), dtype), diagonal, name=scope)


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the main diagonals of matrices [..., m, n]."""
    from .reduce import reduce_sum

    with get_default_graph().name_scope(name or "Trace") as scope:
        return reduce_sum(matrix_diag_part_op(x), [-1], name=scope)
