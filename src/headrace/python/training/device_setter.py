"""The names of `tensorflow.python.training.device_setter`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.device_setter import replica_device_setter

__all__ = [
    "replica_device_setter",
]  # fmt: skip

_PLACES: Places = {
    "replica_device_setter": ("...engine.device_setter", "replica_device_setter"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
