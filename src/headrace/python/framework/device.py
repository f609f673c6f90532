"""The names of `tensorflow.python.framework.device`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.device import DeviceSpec, canonical_name, merge_device

__all__ = [
    "DeviceSpec", "canonical_name", "merge_device",
]  # fmt: skip

_PLACES: Places = {
    "DeviceSpec": ("...engine.device", "DeviceSpec"),
    "canonical_name": ("...engine.device", "canonical_name"),
    "merge_device": ("...engine.device", "merge_device"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
