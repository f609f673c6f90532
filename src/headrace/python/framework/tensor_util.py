"""The names of `tensorflow.python.framework.tensor_util`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.static import constant_value
    from ...engine.tensor_proto import make_ndarray as MakeNdarray, make_tensor_proto

__all__ = [
    "MakeNdarray", "constant_value", "make_tensor_proto",
]  # fmt: skip

_PLACES: Places = {
    "MakeNdarray": ("...engine.tensor_proto", "make_ndarray"),
    "constant_value": ("...engine.static", "constant_value"),
    "make_tensor_proto": ("...engine.tensor_proto", "make_tensor_proto"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
