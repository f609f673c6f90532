"""The names of `tensorflow.python.layers.base`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.base import Layer
    from ...layers.input_spec import InputSpec

__all__ = [
    "InputSpec", "Layer",
]  # fmt: skip

_PLACES: Places = {
    "InputSpec": ("...layers.input_spec", "InputSpec"),
    "Layer": ("...layers.base", "Layer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
