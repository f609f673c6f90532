"""The names of `tensorflow.python.saved_model.constants`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.constants import (
        ASSETS_DIRECTORY,
        ASSETS_KEY,
        DEBUG_DIRECTORY,
        LEGACY_INIT_OP_KEY,
        MAIN_OP_KEY,
        SAVED_MODEL_FILENAME_PB,
        SAVED_MODEL_FILENAME_PBTXT,
        SAVED_MODEL_SCHEMA_VERSION,
        VARIABLES_DIRECTORY,
        VARIABLES_FILENAME,
    )

__all__ = [
    "ASSETS_DIRECTORY", "ASSETS_KEY", "DEBUG_DIRECTORY", "LEGACY_INIT_OP_KEY", "MAIN_OP_KEY",
    "SAVED_MODEL_FILENAME_PB", "SAVED_MODEL_FILENAME_PBTXT", "SAVED_MODEL_SCHEMA_VERSION", "VARIABLES_DIRECTORY",
    "VARIABLES_FILENAME",
]  # fmt: skip

_PLACES: Places = {
    "ASSETS_DIRECTORY": ("...engine.saved_model.constants", "ASSETS_DIRECTORY"),
    "ASSETS_KEY": ("...engine.saved_model.constants", "ASSETS_KEY"),
    "DEBUG_DIRECTORY": ("...engine.saved_model.constants", "DEBUG_DIRECTORY"),
    "LEGACY_INIT_OP_KEY": ("...engine.saved_model.constants", "LEGACY_INIT_OP_KEY"),
    "MAIN_OP_KEY": ("...engine.saved_model.constants", "MAIN_OP_KEY"),
    "SAVED_MODEL_FILENAME_PB": ("...engine.saved_model.constants", "SAVED_MODEL_FILENAME_PB"),
    "SAVED_MODEL_FILENAME_PBTXT": ("...engine.saved_model.constants", "SAVED_MODEL_FILENAME_PBTXT"),
    "SAVED_MODEL_SCHEMA_VERSION": ("...engine.saved_model.constants", "SAVED_MODEL_SCHEMA_VERSION"),
    "VARIABLES_DIRECTORY": ("...engine.saved_model.constants", "VARIABLES_DIRECTORY"),
    "VARIABLES_FILENAME": ("...engine.saved_model.constants", "VARIABLES_FILENAME"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
