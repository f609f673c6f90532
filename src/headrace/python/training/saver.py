"""The names of `tensorflow.python.training.saver`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.checkpoint.state import (
        checkpoint_exists,
        generate_checkpoint_state_proto,
        get_checkpoint_mtimes,
        get_checkpoint_state,
        latest_checkpoint,
        remove_checkpoint,
        update_checkpoint_state,
    )
    from ...engine.training.meta_graph import export_meta_graph, import_meta_graph
    from ...engine.training.saver import Saver

__all__ = [
    "Saver", "checkpoint_exists", "export_meta_graph", "generate_checkpoint_state_proto", "get_checkpoint_mtimes",
    "get_checkpoint_state", "import_meta_graph", "latest_checkpoint", "remove_checkpoint", "update_checkpoint_state",
]  # fmt: skip

_PLACES: Places = {
    "Saver": ("...engine.training.saver", "Saver"),
    "checkpoint_exists": ("...engine.checkpoint.state", "checkpoint_exists"),
    "export_meta_graph": ("...engine.training.meta_graph", "export_meta_graph"),
    "generate_checkpoint_state_proto": ("...engine.checkpoint.state", "generate_checkpoint_state_proto"),
    "get_checkpoint_mtimes": ("...engine.checkpoint.state", "get_checkpoint_mtimes"),
    "get_checkpoint_state": ("...engine.checkpoint.state", "get_checkpoint_state"),
    "import_meta_graph": ("...engine.training.meta_graph", "import_meta_graph"),
    "latest_checkpoint": ("...engine.checkpoint.state", "latest_checkpoint"),
    "remove_checkpoint": ("...engine.checkpoint.state", "remove_checkpoint"),
    "update_checkpoint_state": ("...engine.checkpoint.state", "update_checkpoint_state"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
