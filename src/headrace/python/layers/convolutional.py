"""The names of `tensorflow.python.layers.convolutional`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.convolutional import Conv1D, Conv2D, Conv3D, conv1d, conv2d, conv3d

__all__ = [
    "Conv1D", "Conv2D", "Conv3D", "conv1d", "conv2d", "conv3d",
]  # fmt: skip

_PLACES: Places = {
    "Conv1D": ("...layers.convolutional", "Conv1D"),
    "Conv2D": ("...layers.convolutional", "Conv2D"),
    "Conv3D": ("...layers.convolutional", "Conv3D"),
    "conv1d": ("...layers.convolutional", "conv1d"),
    "conv2d": ("...layers.convolutional", "conv2d"),
    "conv3d": ("...layers.convolutional", "conv3d"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
