"""The names of `tensorflow.python.ops.confusion_matrix`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.confusion import confusion_matrix, confusion_matrix as confusion_matrix_v1

__all__ = [
    "confusion_matrix", "confusion_matrix_v1",
]  # fmt: skip

_PLACES: Places = {
    "confusion_matrix": ("...engine.ops.confusion", "confusion_matrix"),
    "confusion_matrix_v1": ("...engine.ops.confusion", "confusion_matrix"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
