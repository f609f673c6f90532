"""The names of `tensorflow.python.training.ftrl`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.ftrl import FtrlOptimizer

__all__ = [
    "FtrlOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "FtrlOptimizer": ("...engine.training.ftrl", "FtrlOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
