"""The names of `tensorflow.python.saved_model.utils`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.signature_defs import build_tensor_info, get_tensor_from_tensor_info

__all__ = [
    "build_tensor_info", "get_tensor_from_tensor_info",
]  # fmt: skip

_PLACES: Places = {
    "build_tensor_info": ("...engine.saved_model.signature_defs", "build_tensor_info"),
    "get_tensor_from_tensor_info": ("...engine.saved_model.signature_defs", "get_tensor_from_tensor_info"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
