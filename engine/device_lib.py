"""The devices of this process, as `tensorflow.python.client.device_lib` lists them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from typing import Any

from .device import DeviceSpec
from .gpu.device import Device
from .gpu.find import available_device, capability
from .protos import ConfigProto, DeviceAttributes


class ListedDevice(str):
    """The full name of a device of a session, which `Session.list_devices` gives; a string that knows more.

    `memory_limit_bytes` is 0 for devices of other tasks.
    """

    memory_limit_bytes: int

    def __new__(cls, name: str, memory_limit_bytes: int) -> ListedDevice:
        """The device of this full name."""
        made = super().__new__(cls, name)
        made.memory_limit_bytes = memory_limit_bytes
        return made

    @property
    def name(self) -> str:
        """Such as "/job:localhost/replica:0/task:0/device:GPU:0"."""
        return str(self)

    @property
    def device_type(self) -> str:
        """CPU or GPU."""
        return DeviceSpec.from_string(self).device_type or ""

    @property
    def incarnation(self) -> int:
        """A number of this device and process."""
        return _incarnation(self)


def devices_of_session(names: Sequence[str], device: Device | None, here: bool) -> list[ListedDevice]:
    """The devices of these names, whose memory is known if they are `here`; the GPU is `device`."""

    def nbytes(name: str) -> int:
        if not here:
            return 0
        return device.memory()[1] if device is not None and "GPU" in name else _memory()

    return [ListedDevice(name, nbytes(name)) for name in names]


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """The devices that a session of this process would have, as DeviceAttributes messages.

    Args:
        session_config: a ConfigProto, whose `device_count` and `gpu_options` are looked at.

    Raises:
        TypeError: session_config is no ConfigProto.

    Example:
        >>> [d.name for d in list_local_devices()][0]
        '/device:CPU:0'
    """
    if session_config is not None and not isinstance(session_config, ConfigProto):
        raise TypeError(f"session_config must be a tf.ConfigProto, got {session_config!r:.200}")
    found = [_attributes("CPU", _memory(), "")]
    device = available_device(session_config)
    if device is not None:
        major, minor = capability(device)
        text = f"device: {device.index}, name: {device.name}, compute capability: {major}.{minor}"
        found.append(_attributes("GPU", device.memory()[1], text))
    return found


def _attributes(kind: str, nbytes: int, text: str) -> DeviceAttributes:
    name = f"/device:{kind}:0"
    return DeviceAttributes(
        name=name, device_type=kind, memory_limit=nbytes, incarnation=_incarnation(name), physical_device_desc=text
    )


def _incarnation(name: str) -> int:
    """One number a device and process, as TensorFlow's."""
    return zlib.crc32(f"{name} {os.getpid()}".encode()) | 1 << 32


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
