"""The names of `tensorflow.python.training.server_lib`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...cluster.cluster_spec import ClusterSpec
    from ...cluster.server import Server

__all__ = [
    "ClusterSpec", "Server",
]  # fmt: skip

_PLACES: Places = {
    "ClusterSpec": ("...cluster.cluster_spec", "ClusterSpec"),
    "Server": ("...cluster.server", "Server"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
