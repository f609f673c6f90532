"""The names of `tensorflow.python.training.training_util`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.graph_util import write_graph
    from ...engine.training.global_step import (
        assert_global_step,
        create_global_step,
        get_global_step,
        get_or_create_global_step,
        global_step,
    )

__all__ = [
    "assert_global_step", "create_global_step", "get_global_step", "get_or_create_global_step", "global_step",
    "write_graph",
]  # fmt: skip

_PLACES: Places = {
    "assert_global_step": ("...engine.training.global_step", "assert_global_step"),
    "create_global_step": ("...engine.training.global_step", "create_global_step"),
    "get_global_step": ("...engine.training.global_step", "get_global_step"),
    "get_or_create_global_step": ("...engine.training.global_step", "get_or_create_global_step"),
    "global_step": ("...engine.training.global_step", "global_step"),
    "write_graph": ("...engine.graph_util", "write_graph"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
