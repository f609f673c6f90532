"""The names of `tensorflow.python.ops.linalg.linalg`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.ops.array_order import matrix_transpose as transpose
    from ....engine.ops.clipping import norm
    from ....engine.ops.decompositions import qr, self_adjoint_eig as eigh, self_adjoint_eigvals as eigvalsh, svd
    from ....engine.ops.diagonals import (
        eye,
        matrix_band_part as band_part,
        matrix_diag as diag,
        matrix_diag_part as diag_part,
        matrix_set_diag as set_diag,
        trace,
    )
    from ....engine.ops.linear_operator import LinearOperatorLowerTriangular
    from ....engine.ops.products import einsum, tensordot
    from ....engine.ops.solvers import (
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
    "LinearOperatorLowerTriangular", "adjoint", "band_part", "cholesky", "cholesky_solve", "det", "diag", "diag_part",
    "eigh", "eigvalsh", "einsum", "eye", "inv", "logdet", "lstsq", "norm", "qr", "set_diag", "solve", "svd",
    "tensordot", "trace", "transpose", "triangular_solve",
]  # fmt: skip

_PLACES: Places = {
    "LinearOperatorLowerTriangular": ("....engine.ops.linear_operator", "LinearOperatorLowerTriangular"),
    "adjoint": ("....engine.ops.solvers", "adjoint"),
    "band_part": ("....engine.ops.diagonals", "matrix_band_part"),
    "cholesky": ("....engine.ops.solvers", "cholesky"),
    "cholesky_solve": ("....engine.ops.solvers", "cholesky_solve"),
    "det": ("....engine.ops.solvers", "matrix_determinant"),
    "diag": ("....engine.ops.diagonals", "matrix_diag"),
    "diag_part": ("....engine.ops.diagonals", "matrix_diag_part"),
    "eigh": ("....engine.ops.decompositions", "self_adjoint_eig"),
    "eigvalsh": ("....engine.ops.decompositions", "self_adjoint_eigvals"),
    "einsum": ("....engine.ops.products", "einsum"),
    "eye": ("....engine.ops.diagonals", "eye"),
    "inv": ("....engine.ops.solvers", "matrix_inverse"),
    "logdet": ("....engine.ops.solvers", "logdet"),
    "lstsq": ("....engine.ops.solvers", "matrix_solve_ls"),
    "norm": ("....engine.ops.clipping", "norm"),
    "qr": ("....engine.ops.decompositions", "qr"),
    "set_diag": ("....engine.ops.diagonals", "matrix_set_diag"),
    "solve": ("....engine.ops.solvers", "matrix_solve"),
    "svd": ("....engine.ops.decompositions", "svd"),
    "tensordot": ("....engine.ops.products", "tensordot"),
    "trace": ("....engine.ops.diagonals", "trace"),
    "transpose": ("....engine.ops.array_order", "matrix_transpose"),
    "triangular_solve": ("....engine.ops.solvers", "matrix_triangular_solve"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
