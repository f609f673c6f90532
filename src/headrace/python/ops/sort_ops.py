"""The names of `tensorflow.python.ops.sort_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.sorting import argsort, sort

__all__ = [
    "argsort", "sort",
]  # fmt: skip

_PLACES: Places = {
    "argsort": ("...engine.ops.sorting", "argsort"),
    "sort": ("...engine.ops.sorting", "sort"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
