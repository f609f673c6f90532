"""The names of `tensorflow.python.training.adam`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.adam import AdamOptimizer

__all__ = [
    "AdamOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "AdamOptimizer": ("...engine.training.adam", "AdamOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
