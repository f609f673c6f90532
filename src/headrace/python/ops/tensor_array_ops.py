"""The names of `tensorflow.python.ops.tensor_array_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.tensor_array import TensorArray

__all__ = [
    "TensorArray",
]  # fmt: skip

_PLACES: Places = {
    "TensorArray": ("...engine.ops.tensor_array", "TensorArray"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
