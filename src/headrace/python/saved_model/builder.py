"""The names of `tensorflow.python.saved_model.builder`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.builder import SavedModelBuilder

__all__ = [
    "SavedModelBuilder",
]  # fmt: skip

_PLACES: Places = {
    "SavedModelBuilder": ("...engine.saved_model.builder", "SavedModelBuilder"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
