"""The names of `tensorflow.python.training.warm_starting_util`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.warm_starting import VocabInfo, warm_start

__all__ = [
    "VocabInfo", "warm_start",
]  # fmt: skip

_PLACES: Places = {
    "VocabInfo": ("...engine.training.warm_starting", "VocabInfo"),
    "warm_start": ("...engine.training.warm_starting", "warm_start"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
