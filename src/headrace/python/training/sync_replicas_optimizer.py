"""The names of `tensorflow.python.training.sync_replicas_optimizer`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.sync_replicas import SyncReplicasOptimizer

__all__ = [
    "SyncReplicasOptimizer",
]  # fmt: skip

_PLACES: Places = {
    "SyncReplicasOptimizer": ("...engine.training.sync_replicas", "SyncReplicasOptimizer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
