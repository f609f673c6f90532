"""The names of `tensorflow.python.saved_model.loader`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.loader import load, maybe_saved_model_directory

__all__ = [
    "load", "maybe_saved_model_directory",
]  # fmt: skip

_PLACES: Places = {
    "load": ("...engine.saved_model.loader", "load"),
    "maybe_saved_model_directory": ("...engine.saved_model.loader", "maybe_saved_model_directory"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
