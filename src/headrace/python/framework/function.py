"""The names of `tensorflow.python.framework.function`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.defun import Defun

__all__ = [
    "Defun",
]  # fmt: skip

_PLACES: Places = {
    "Defun": ("...engine.defun", "Defun"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
