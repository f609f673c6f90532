"""The names of `tensorflow.python.training.adadelta`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.adadelta import AdadeltaOptimizer

__all__ = [
    "AdadeltaOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "AdadeltaOptimizer": ("...engine.training.adadelta", "AdadeltaOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
