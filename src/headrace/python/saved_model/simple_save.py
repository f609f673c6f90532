"""The names of `tensorflow.python.saved_model.simple_save`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.simple_save import simple_save

__all__ = [
    "simple_save",
]  # fmt: skip

_PLACES: Places = {
    "simple_save": ("...engine.saved_model.simple_save", "simple_save"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
