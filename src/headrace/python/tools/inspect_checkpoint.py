"""The names of `tensorflow.python.tools.inspect_checkpoint`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.freezing import print_tensors_in_checkpoint_file

__all__ = [
    "print_tensors_in_checkpoint_file",
]  # fmt: skip

_PLACES: Places = {
    "print_tensors_in_checkpoint_file": ("...engine.training.freezing", "print_tensors_in_checkpoint_file"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
