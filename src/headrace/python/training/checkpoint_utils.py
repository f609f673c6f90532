"""The names of `tensorflow.python.training.checkpoint_utils`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.checkpoint.reader import list_variables, load_checkpoint, load_variable
    from ...engine.training.basic_loops import checkpoints_iterator, wait_for_new_checkpoint
    from ...engine.training.checkpoint_init import init_from_checkpoint

__all__ = [
    "checkpoints_iterator", "init_from_checkpoint", "list_variables", "load_checkpoint", "load_variable",
    "wait_for_new_checkpoint",
]  # fmt: skip

_PLACES: Places = {
    "checkpoints_iterator": ("...engine.training.basic_loops", "checkpoints_iterator"),
    "init_from_checkpoint": ("...engine.training.checkpoint_init", "init_from_checkpoint"),
    "list_variables": ("...engine.checkpoint.reader", "list_variables"),
    "load_checkpoint": ("...engine.checkpoint.reader", "load_checkpoint"),
    "load_variable": ("...engine.checkpoint.reader", "load_variable"),
    "wait_for_new_checkpoint": ("...engine.training.basic_loops", "wait_for_new_checkpoint"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
