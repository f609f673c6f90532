"""The names of `tensorflow.python.training.gradient_descent`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.gradient_descent import GradientDescentOptimizer

__all__ = [
    "GradientDescentOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "GradientDescentOptimizer": ("...engine.training.gradient_descent", "GradientDescentOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
