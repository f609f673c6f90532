"""The names of TensorFlow 1.15's `tf.config`: what sessions without a ConfigProto are made with."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ..engine.process_config import experimental_list_devices, get_soft_device_placement, set_soft_device_placement
    from . import experimental, optimizer, threading

__all__ = [
    "experimental", "experimental_list_devices", "get_soft_device_placement", "optimizer",
    "set_soft_device_placement", "threading",
]  # fmt: skip

_PLACES: Places = {
    "experimental_list_devices": ("..engine.process_config", "experimental_list_devices"),
    "get_soft_device_placement": ("..engine.process_config", "get_soft_device_placement"),
    "set_soft_device_placement": ("..engine.process_config", "set_soft_device_placement"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
