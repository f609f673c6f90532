"""The names of `tensorflow.python.tools.freeze_graph`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.freezing import freeze_graph, freeze_graph_with_def_protos

__all__ = [
    "freeze_graph", "freeze_graph_with_def_protos",
]  # fmt: skip

_PLACES: Places = {
    "freeze_graph": ("...engine.training.freezing", "freeze_graph"),
    "freeze_graph_with_def_protos": ("...engine.training.freezing", "freeze_graph_with_def_protos"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
