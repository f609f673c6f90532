"""The names of `tensorflow.python.training.momentum`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.momentum import MomentumOptimizer

__all__ = [
    "MomentumOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "MomentumOptimizer": ("...engine.training.momentum", "MomentumOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
