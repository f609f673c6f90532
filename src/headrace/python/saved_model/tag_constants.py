"""The names of `tensorflow.python.saved_model.tag_constants`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.constants import EVAL, GPU, SERVING, TPU, TRAINING

__all__ = [
    "EVAL", "GPU", "SERVING", "TPU", "TRAINING",
]  # fmt: skip

_PLACES: Places = {
    "EVAL": ("...engine.saved_model.constants", "EVAL"),
    "GPU": ("...engine.saved_model.constants", "GPU"),
    "SERVING": ("...engine.saved_model.constants", "SERVING"),
    "TPU": ("...engine.saved_model.constants", "TPU"),
    "TRAINING": ("...engine.saved_model.constants", "TRAINING"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
