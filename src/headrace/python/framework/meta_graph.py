"""The names of `tensorflow.python.framework.meta_graph`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.meta_graph import import_scoped_meta_graph, read_meta_graph_file

__all__ = [
    "import_scoped_meta_graph", "read_meta_graph_file",
]  # fmt: skip

_PLACES: Places = {
    "import_scoped_meta_graph": ("...engine.training.meta_graph", "import_scoped_meta_graph"),
    "read_meta_graph_file": ("...engine.training.meta_graph", "read_meta_graph_file"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
