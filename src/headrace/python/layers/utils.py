"""The names of `tensorflow.python.layers.utils`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.cond import smart_cond
    from ...engine.static import constant_value

__all__ = [
    "constant_value", "smart_cond",
]  # fmt: skip

_PLACES: Places = {
    "constant_value": ("...engine.static", "constant_value"),
    "smart_cond": ("...engine.ops.cond", "smart_cond"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
