"""`tensorflow.python.client`."""

from . import device_lib, timeline

__all__ = [
    "device_lib", "timeline",
]  # fmt: skip
