"""Device strings: `/job:worker/replica:0/task:1/device:GPU:0`, parsed, merged and printed as TensorFlow 1.15 does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

_PART = re.compile(r"^(job|replica|task|device):(.+)$|^(cpu|gpu):(\d+|\*)$", re.IGNORECASE)


@dataclass(frozen=True)
class DeviceSpec:
    """A partly given device: any field may be None.

    Example:
        >>> DeviceSpec.from_string("/job:ps/task:1/cpu:0").to_string()
        '/job:ps/task:1/device:CPU:0'
    """

    job: str | None = None
    replica: int | None = None
    task: int | None = None
    device_type: str | None = None
    device_index: int | None = None

    @staticmethod
    def from_string(spec: str) -> DeviceSpec:
        """Parses a device string; ValueError names the part that is not understood."""
        return _parse(spec)

    def to_string(self) -> str:
        """The canonical spelling, empty where nothing is given."""
        parts = [f"/job:{self.job}"] if self.job is not None else []
        parts += [f"/replica:{self.replica}"] if self.replica is not None else []
        parts += [f"/task:{self.task}"] if self.task is not None else []
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            parts.append(f"/device:{self.device_type}:{index}")
        return "".join(parts)

    def over(self, other: DeviceSpec) -> DeviceSpec:
        """This spec where it says something, `other` elsewhere."""
        device = self if self.device_type is not None else other
        return DeviceSpec(
            self.job if self.job is not None else other.job,
            self.replica if self.replica is not None else other.replica,
            self.task if self.task is not None else other.task,
            device.device_type,
            device.device_index,
        )

    def without_device(self) -> DeviceSpec:
        """The job, replica and task alone."""
        return replace(self, device_type=None, device_index=None)


@lru_cache(maxsize=4096)
def _parse(spec: str) -> DeviceSpec:
    fields: dict[str, Any] = {}
    for part in filter(None, (spec or "").split("/")):
        match = _PART.match(part)
        if match is None:
            raise ValueError(f"Unknown attribute {part!r} in device specification {spec!r}")
        key, value, short, index = match.groups()
        if short is not None:
            key, value = "device", f"{short}:{index}"
        _read_part(fields, key.lower(), value, spec)
    return DeviceSpec(**fields)


def _read_part(fields: dict[str, Any], key: str, value: str, spec: str) -> None:
    if key == "job":
        fields["job"] = value
    elif key == "device":
        kind, _, index = value.partition(":")
        if "device_type" in fields:
            raise ValueError(f"Multiple device types are not allowed in device specification {spec!r}")
        fields["device_type"] = kind.upper()
        fields["device_index"] = None if index in ("", "*") else _number(index, spec)
    else:
        fields[key] = _number(value, spec)


def _number(text: str, spec: str) -> int:
    if not text.isdigit():
        raise ValueError(f"Expected a number, got {text!r} in device specification {spec!r}")
    return int(text)


def _spec_of(device: str | DeviceSpec | None) -> DeviceSpec:
    if isinstance(device, DeviceSpec):
        return device
    if not isinstance(device, str | None):
        raise TypeError(f"A device is a name such as '/gpu:0', a DeviceSpec, a function or None; got {device!r}")
    return _parse(device or "")


def canonical_name(device: str | DeviceSpec | None) -> str:
    """A device given in any form as its canonical string."""
    return _spec_of(device).to_string()


def merge_device(spec: str | DeviceSpec | None) -> Callable[[Any], str]:
    """A device function that lays `spec` over what a node already has, as `tf.device` scopes nest."""
    inner = _spec_of(spec)

    def merged(node: Any) -> str:
        return _parse(node.device).over(inner).to_string()

    return merged
