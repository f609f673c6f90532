"""The names of `tensorflow.python.layers.normalization`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.normalization import BatchNormalization, batch_normalization

__all__ = [
    "BatchNormalization", "batch_normalization",
]  # fmt: skip

_PLACES: Places = {
    "BatchNormalization": ("...layers.normalization", "BatchNormalization"),
    "batch_normalization": ("...layers.normalization", "batch_normalization"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
