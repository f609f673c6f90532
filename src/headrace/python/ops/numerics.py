"""The names of `tensorflow.python.ops.numerics`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.check_numerics import add_check_numerics_ops
    from ...engine.ops.clipping import verify_tensor_all_finite

__all__ = [
    "add_check_numerics_ops", "verify_tensor_all_finite",
]  # fmt: skip

_PLACES: Places = {
    "add_check_numerics_ops": ("...engine.check_numerics", "add_check_numerics_ops"),
    "verify_tensor_all_finite": ("...engine.ops.clipping", "verify_tensor_all_finite"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
