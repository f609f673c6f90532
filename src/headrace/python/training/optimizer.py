"""The names of `tensorflow.python.training.optimizer`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.optimizer import Optimizer

__all__ = [
    "Optimizer",
]  # fmt: skip

_PLACES: Places = {
    "Optimizer": ("...engine.training.optimizer", "Optimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
