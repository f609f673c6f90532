"""The names of `tensorflow.python.framework.graph_io`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.graph_util import write_graph

__all__ = [
    "write_graph",
]  # fmt: skip

_PLACES: Places = {
    "write_graph": ("...engine.graph_util", "write_graph"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
