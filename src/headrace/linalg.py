"""The names of TensorFlow 1.15's `tf.linalg`."""

from .engine.ops.array_order import matrix_transpose, matrix_transpose as transpose
from .engine.ops.clipping import global_norm, l2_normalize, norm
from .engine.ops.decompositions import qr, self_adjoint_eig as eigh, self_adjoint_eigvals as eigvalsh, svd
from .engine.ops.diagonals import (
    diag as tensor_diag,
    diag_part as tensor_diag_part,
    eye,
    matrix_band_part as band_part,
    matrix_diag as diag,
    matrix_diag_part as diag_part,
    matrix_set_diag as set_diag,
    trace,
)
from .engine.ops.elementwise_nary import cross
from .engine.ops.linear_operator import LinearOperatorLowerTriangular
from .engine.ops.products import einsum, matmul, matvec, tensordot
from .engine.ops.solvers import (
    adjoint,
    cholesky,
    cholesky_solve,
    logdet,
    matrix_determinant as det,
    matrix_inverse as inv,
    matrix_solve as solve,
    matrix_solve_ls as lstsq,
    matrix_triangular_solve as triangular_solve,
)

__all__ = [
    "LinearOperatorLowerTriangular", "adjoint", "band_part", "cholesky", "cholesky_solve", "cross", "det", "diag",
    "diag_part", "eigh", "eigvalsh", "einsum", "eye", "global_norm", "inv", "l2_normalize", "logdet", "lstsq",
    "matmul", "matrix_transpose", "matvec", "norm", "qr", "set_diag", "solve", "svd", "tensor_diag",
    "tensor_diag_part", "tensordot", "trace", "transpose", "triangular_solve",
]  # fmt: skip
