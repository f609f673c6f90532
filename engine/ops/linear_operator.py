"""Matrices that are used without being written out: lower triangular ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, DType, float32, float64
from ..graph import Tensor, get_default_graph
from ..shapes import TensorShape
from .array import shape as shape_of
from .array_shape import expand_dims, squeeze
from .diagonals import matrix_band_part_op, matrix_diag_part_op
from .products import matmul
from .reduce import reduce_prod, reduce_sum
from .solvers import adjoint as adjoint_of, matrix_triangular_solve_op
from .unary import abs as absolute, log


class LinearOperatorLowerTriangular:
    """Lower triangular matrices, of which the upper triangle is never read; as `tf.linalg`'s class of this name.

    Args:
        tril: [..., n, n], float32, float64 or complex.
        is_non_singular: a promise that no diagonal element is 0.
        is_self_adjoint: a promise that the matrices equal their adjoints.
        is_positive_definite: a promise that they are positive definite.
        is_square: True or None: triangular matrices are square.
        name: scope of what the methods build.

    Raises:
        TypeError: another dtype.
        ValueError: `tril` has fewer than two axes, or `is_square` is False.
    """

    def __init__(
        self, tril: Any, is_non_singular: bool | None = None, is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None, is_square: bool | None = None,
        name: str = "LinearOperatorLowerTriangular",
    ) -> None:  # fmt: skip
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        tensor = convert_to_tensor(tril, name="tril")
        if tensor.dtype.base_dtype not in (float32, float64, *COMPLEX):
            raise TypeError(f"Argument tril must be float32, float64 or complex, got {tensor.dtype.name}")
        if tensor.sizes is not None and len(tensor.sizes) < 2:
            raise ValueError(f"Argument tril must have at least 2 dimensions, got shape {tensor.shape}")
        self.name = name
        self.is_non_singular = is_non_singular
        self.is_self_adjoint = is_self_adjoint
        self.is_positive_definite = is_positive_definite
        self.is_square = True
        self.tril = matrix_band_part_op(tensor, np.int64(-1), np.int64(0))

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.tril.dtype.base_dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape [..., n, n]."""
        return self.tril.shape

    @property
    def batch_shape(self) -> TensorShape:
        """The static shape before the matrices."""
        return TensorShape(None if self.tril.sizes is None else self.tril.sizes[:-2])

    def shape_tensor(self, name: str = "shape_tensor") -> Tensor:
        """The shape as a tensor."""
        return shape_of(self.tril, name=name)

    def to_dense(self, name: str = "to_dense") -> Tensor:
        """The matrices, with zeros above the diagonal."""
        del name
        return self.tril

    def diag_part(self, name: str = "diag_part") -> Tensor:
        """The main diagonals [..., n]."""
        return matrix_diag_part_op(self.tril, name=name)

    def trace(self, name: str = "trace") -> Tensor:
        """The sums of the main diagonals."""
        return reduce_sum(self.diag_part(), [-1], name=name)

    def determinant(self, name: str = "det") -> Tensor:
        """The determinants: products of the main diagonals."""
        return reduce_prod(self.diag_part(), [-1], name=name)

    def log_abs_determinant(self, name: str = "log_abs_det") -> Tensor:
        """The logarithms of the absolute values of the determinants."""
        return reduce_sum(log(absolute(self.diag_part())), [-1], name=name)

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Tensor:
        """The products with matrices [..., n, k], or of the adjoints."""
        with get_default_graph().name_scope(name):
            return matmul(self.tril, x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Tensor:
        """The products with vectors [..., n]."""
        with get_default_graph().name_scope(name):
            column = expand_dims(convert_to_tensor(x, self.dtype), -1)
            return squeeze(self.matmul(column, adjoint), [-1])

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Tensor:
        """The x with (this) x = rhs [..., n, k].

        Raises:
            InvalidArgumentError: a matrix is singular, when run.
        """
        with get_default_graph().name_scope(name):
            right = convert_to_tensor(rhs, self.dtype, "rhs")
            right = adjoint_of(right) if adjoint_arg else right
            return matrix_triangular_solve_op(self.tril, right, lower=True, adjoint=adjoint)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Tensor:
        """The x with (this) x = rhs [..., n]."""
        with get_default_graph().name_scope(name):
            column = expand_dims(convert_to_tensor(rhs, self.dtype), -1)
            return squeeze(self.solve(column, adjoint), [-1])

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Tensor:
        """The sums of these matrices and x."""
        with get_default_graph().name_scope(name):
            result: Tensor = self.tril + x
            return result
