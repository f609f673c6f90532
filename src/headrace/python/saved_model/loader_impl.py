"""The names of `tensorflow.python.saved_model.loader_impl`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.loader import (
        load,
        maybe_saved_model_directory,
        maybe_saved_model_directory as contains_saved_model,
    )

__all__ = [
    "contains_saved_model", "load", "maybe_saved_model_directory",
]  # fmt: skip

_PLACES: Places = {
    "contains_saved_model": ("...engine.saved_model.loader", "maybe_saved_model_directory"),
    "load": ("...engine.saved_model.loader", "load"),
    "maybe_saved_model_directory": ("...engine.saved_model.loader", "maybe_saved_model_directory"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
