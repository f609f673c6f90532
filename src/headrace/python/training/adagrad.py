"""The names of `tensorflow.python.training.adagrad`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.adagrad import AdagradOptimizer

__all__ = [
    "AdagradOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "AdagradOptimizer": ("...engine.training.adagrad", "AdagradOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
