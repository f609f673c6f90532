"""The names of `tensorflow.python.framework.importer`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.importer import import_graph_def

__all__ = [
    "import_graph_def",
]  # fmt: skip

_PLACES: Places = {
    "import_graph_def": ("...engine.importer", "import_graph_def"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
