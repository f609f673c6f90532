"""The names of `tensorflow.python.ops.map_fn`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.map_scan import map_fn

__all__ = [
    "map_fn",
]  # fmt: skip

_PLACES: Places = {
    "map_fn": ("...engine.ops.map_scan", "map_fn"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
