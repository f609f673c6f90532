"""The names of `tensorflow.python.layers.pooling`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.pooling import (
        AveragePooling1D,
        AveragePooling2D,
        AveragePooling3D,
        MaxPooling1D,
        MaxPooling2D,
        MaxPooling3D,
        average_pooling1d,
        average_pooling2d,
        average_pooling3d,
        max_pooling1d,
        max_pooling2d,
        max_pooling3d,
    )

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
    "average_pooling1d", "average_pooling2d", "average_pooling3d", "max_pooling1d", "max_pooling2d", "max_pooling3d",
]  # fmt: skip

_PLACES: Places = {
    "AveragePooling1D": ("...layers.pooling", "AveragePooling1D"),
    "AveragePooling2D": ("...layers.pooling", "AveragePooling2D"),
    "AveragePooling3D": ("...layers.pooling", "AveragePooling3D"),
    "MaxPooling1D": ("...layers.pooling", "MaxPooling1D"),
    "MaxPooling2D": ("...layers.pooling", "MaxPooling2D"),
    "MaxPooling3D": ("...layers.pooling", "MaxPooling3D"),
    "average_pooling1d": ("...layers.pooling", "average_pooling1d"),
    "average_pooling2d": ("...layers.pooling", "average_pooling2d"),
    "average_pooling3d": ("...layers.pooling", "average_pooling3d"),
    "max_pooling1d": ("...layers.pooling", "max_pooling1d"),
    "max_pooling2d": ("...layers.pooling", "max_pooling2d"),
    "max_pooling3d": ("...layers.pooling", "max_pooling3d"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
