"""The names of `tensorflow.python.ops.functional_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.map_scan import foldl, foldr, scan

__all__ = [
    "foldl", "foldr", "scan",
]  # fmt: skip

_PLACES: Places = {
    "foldl": ("...engine.ops.map_scan", "foldl"),
    "foldr": ("...engine.ops.map_scan", "foldr"),
    "scan": ("...engine.ops.map_scan", "scan"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
