"""The names of `tensorflow.python.pywrap_tensorflow`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ..engine.checkpoint.reader import new_checkpoint_reader as NewCheckpointReader

__all__ = [
    "NewCheckpointReader",
]  # fmt: skip

_PLACES: Places = {
    "NewCheckpointReader": ("..engine.checkpoint.reader", "new_checkpoint_reader"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
