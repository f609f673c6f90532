"""The product of a sparse matrix in coordinates with a dense one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array
from .scatter import accumulate

Array = NDArray[Any]

# Elements of products made at a time.
_CHUNK = 1 << 17


def sparse_dense_matmul(
    indices: Array,
    values: Array,
    shape: tuple[int, int],
    dense: Array,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns A @ B for a sparse A and a dense B, TF 1.15's SparseTensorDenseMatMul.

    Args:
        indices: `[n, 2]`, rows and columns of A in any order; equal ones add up.
        values: `[n]`.
        shape: the shape of A.
        dense: B.
        adjoint_a: takes the conjugate transpose of A.
        adjoint_b: takes the conjugate transpose of B.
        out: a matrix of the result's shape and dtype to fill instead of a new one.

    Raises:
        InvalidArgumentError: when an index is out of range or the shapes do not fit.

    >>> sparse_dense_matmul(np.array([[1, 0]]), np.array([2.0]), (2, 1), np.array([[3.0]])).tolist()
    [[0.0], [6.0]]
    """
    rows, columns = (indices[:, 1], indices[:, 0]) if adjoint_a else (indices[:, 0], indices[:, 1])
    outer, inner = (shape[1], shape[0]) if adjoint_a else (shape[0], shape[1])
    right = dense.conj().T if adjoint_b else dense
    _check(indices, values, right, outer, inner, rows, columns)
    result = result_array((outer, right.shape[1]), dense.dtype, out)
    wide = compute_dtype(dense.dtype)
    factors = (values.conj() if adjoint_a else values).astype(wide, copy=False)
    total = np.zeros(result.shape, wide)
    step = max(1, _CHUNK // max(1, right.shape[1]))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        terms = right[columns[some]].astype(wide, copy=False) * factors[some, None]
        accumulate(np.add, total, rows[some], terms)
    result[...] = total
    return result


def _check(
    indices: Array,
    values: Array,
    right: Array,
    outer: int,
    inner: int,
    rows: Array,
    columns: Array,
) -> None:
    if indices.shape != (*values.shape, 2):
        raise InvalidArgumentError(
            None,
            None,
            f"a_indices: expected shape {[*values.shape, 2]} for values {list(values.shape)}, "
            f"got {list(indices.shape)}",
        )
    if right.ndim != 2 or right.shape[0] != inner:
        raise InvalidArgumentError(
            None,
            None,
            f"Cannot multiply A and B because inner dimension does not match: {inner} vs. {right.shape[0]}",
        )
    for name, numbers, limit in (("m", rows, outer), ("k", columns, inner)):
        outside = (numbers < 0) | (numbers >= limit)
        if outside.any():
            place = int(np.argmax(outside))
            raise InvalidArgumentError(
                None,
                None,
                f"{name} ({numbers[place]}) from index {place} out of bounds [0, {limit})",
            )
