"""The devices of this process, as `tensorflow.python.client.device_lib` lists them."""

from __future__ import annotations

import os
import zlib
from typing import Any

from .gpu.find import capability, find_device
from .protos import DeviceAttributes


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """The devices that a session of this process would have, as DeviceAttributes messages.

    Args:
        session_config: a ConfigProto, whose `device_count` and `gpu_options` are looked at.

    Example:
        >>> [d.name for d in list_local_devices()][0]
        '/device:CPU:0'
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = [_attributes("CPU", memory, "")]
    device = find_device(session_config)
    if device is not None:
        major, minor = capability(device)
        text = f"device: {device.index}, name: {device.name}, compute capability: {major}.{minor}"
        found.append(_attributes("GPU", device.memory()[1], text))
    return found


def _attributes(kind: str, nbytes: int, text: str) -> DeviceAttributes:
    name = f"/device:{kind}:0"
    # One number a device and process, as TensorFlow's.
    incarnation = zlib.crc32(f"{name} {os.getpid()}".encode()) | 1 << 32
    return DeviceAttributes(
        name=name, device_type=kind, memory_limit=nbytes, incarnation=incarnation, physical_device_desc=text
    )
