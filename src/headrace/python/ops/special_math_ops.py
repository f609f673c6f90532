"""The names of `tensorflow.python.ops.special_math_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.products import einsum
    from ...engine.ops.special import lbeta

__all__ = [
    "einsum", "lbeta",
]  # fmt: skip

_PLACES: Places = {
    "einsum": ("...engine.ops.products", "einsum"),
    "lbeta": ("...engine.ops.special", "lbeta"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
