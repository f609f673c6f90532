"""The names of `tensorflow.python.framework.indexed_slices`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.tensor_types import IndexedSlices, IndexedSlicesValue

__all__ = [
    "IndexedSlices", "IndexedSlicesValue",
]  # fmt: skip

_PLACES: Places = {
    "IndexedSlices": ("...engine.tensor_types", "IndexedSlices"),
    "IndexedSlicesValue": ("...engine.tensor_types", "IndexedSlicesValue"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
