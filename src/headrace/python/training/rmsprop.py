"""The names of `tensorflow.python.training.rmsprop`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.rmsprop import RMSPropOptimizer

__all__ = [
    "RMSPropOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "RMSPropOptimizer": ("...engine.training.rmsprop", "RMSPropOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
