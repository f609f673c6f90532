"""The names of `tensorflow.python.layers.core`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.core import Dense, Dropout, Flatten, dense, dropout, flatten

__all__ = [
    "Dense", "Dropout", "Flatten", "dense", "dropout", "flatten",
]  # fmt: skip

_PLACES: Places = {
    "Dense": ("...layers.core", "Dense"),
    "Dropout": ("...layers.core", "Dropout"),
    "Flatten": ("...layers.core", "Flatten"),
    "dense": ("...layers.core", "dense"),
    "dropout": ("...layers.core", "dropout"),
    "flatten": ("...layers.core", "flatten"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
