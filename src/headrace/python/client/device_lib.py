"""`tensorflow.python.client.device_lib`: the devices of this process."""

from ...engine.device_lib import list_local_devices

__all__ = [
    "list_local_devices",
]  # fmt: skip
