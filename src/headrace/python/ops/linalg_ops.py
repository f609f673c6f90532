"""The names of `tensorflow.python.ops.linalg_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.clipping import norm
    from ...engine.ops.decompositions import qr, self_adjoint_eig, self_adjoint_eigvals, svd
    from ...engine.ops.diagonals import eye
    from ...engine.ops.solvers import (
        cholesky,
        cholesky_solve,
        matrix_determinant,
        matrix_inverse,
        matrix_solve,
        matrix_solve_ls,
        matrix_triangular_solve,
    )

__all__ = [
    "cholesky", "cholesky_solve", "eye", "matrix_determinant", "matrix_inverse", "matrix_solve", "matrix_solve_ls",
    "matrix_triangular_solve", "norm", "qr", "self_adjoint_eig", "self_adjoint_eigvals", "svd",
]  # fmt: skip

_PLACES: Places = {
    "cholesky": ("...engine.ops.solvers", "cholesky"),
    "cholesky_solve": ("...engine.ops.solvers", "cholesky_solve"),
    "eye": ("...engine.ops.diagonals", "eye"),
    "matrix_determinant": ("...engine.ops.solvers", "matrix_determinant"),
    "matrix_inverse": ("...engine.ops.solvers", "matrix_inverse"),
    "matrix_solve": ("...engine.ops.solvers", "matrix_solve"),
    "matrix_solve_ls": ("...engine.ops.solvers", "matrix_solve_ls"),
    "matrix_triangular_solve": ("...engine.ops.solvers", "matrix_triangular_solve"),
    "norm": ("...engine.ops.clipping", "norm"),
    "qr": ("...engine.ops.decompositions", "qr"),
    "self_adjoint_eig": ("...engine.ops.decompositions", "self_adjoint_eig"),
    "self_adjoint_eigvals": ("...engine.ops.decompositions", "self_adjoint_eigvals"),
    "svd": ("...engine.ops.decompositions", "svd"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
