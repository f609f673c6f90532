"""The names of `tensorflow.python.training.coordinator`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.coordinator import Coordinator, LooperThread

__all__ = [
    "Coordinator", "LooperThread",
]  # fmt: skip

_PLACES: Places = {
    "Coordinator": ("...engine.training.coordinator", "Coordinator"),
    "LooperThread": ("...engine.training.coordinator", "LooperThread"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
