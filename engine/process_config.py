"""`tf.config`: what sessions that are given no ConfigProto are made with, and which devices this process has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .gpu.find import visible_cards
from .protos import ConfigProto, OptimizerOptions, RewriterConfig
from .session_config import DEFAULTS

_POLICIES = ("silent", "silent_for_int32", "warn", "explicit")
_TASK = "/job:localhost/replica:0/task:0"


class PhysicalDevice(NamedTuple):
    """A processor or card of this machine, such as `/physical_device:GPU:0`."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device of sessions, such as `/job:localhost/replica:0/task:0/device:GPU:0`."""

    name: str
    device_type: str


class VirtualDeviceConfiguration(NamedTuple):
    """How much memory, in MiB, a GPU gives this process; None for all that there is."""

    memory_limit: float | None = None


class _Settings:
    """What a process has set; None where it has not."""

    def __init__(self) -> None:
        self.config = ConfigProto()
        # Set once the devices were listed: what they are is settled then.
        self.settled = False
        self.visible: list[PhysicalDevice] | None = None
        self.virtual: dict[PhysicalDevice, list[VirtualDeviceConfiguration]] = {}
        self.growth: dict[PhysicalDevice, bool] = {}
        self.policy = "silent"
        self.synchronous = True

    def changing(self, what: str = "") -> ConfigProto:
        """The configuration, which is changed now; RuntimeError if it is too late for `what`."""
        if what and self.settled:
            raise RuntimeError(f"{what} cannot be modified after being initialized: the devices were listed before")
        DEFAULTS.config = config_of_process
        return self.config


_settings = _Settings()


def config_of_process() -> ConfigProto:
    """A ConfigProto of what `tf.config` was told."""
    config = ConfigProto()
    config.CopyFrom(_settings.config)
    _add_devices(config)
    return config


def _add_devices(config: ConfigProto) -> None:
    if _settings.visible is not None:
        numbers = [device.name.rpartition(":")[2] for device in _settings.visible if device.device_type == "GPU"]
        config.gpu_options.visible_device_list = ",".join(numbers)
        if not numbers:
            config.device_count["GPU"] = 0
    for device, parts in _settings.virtual.items():
        if device.device_type == "CPU":
            config.device_count["CPU"] = len(parts)
        elif parts[0].memory_limit is not None:
            config.gpu_options.experimental.virtual_devices.add(memory_limit_mb=[parts[0].memory_limit])
    if _settings.growth:
        config.gpu_options.allow_growth = any(_settings.growth.values())


# ---- Devices ----


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The processor, and the GPUs that this process may use (`CUDA_VISIBLE_DEVICES`, `HEADRACE_GPU`).

    Example:
        >>> list_physical_devices("CPU")
        [PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')]
    """
    found = [PhysicalDevice("/physical_device:CPU:0", "CPU")]
    found += [PhysicalDevice(f"/physical_device:GPU:{number}", "GPU") for number in range(visible_cards())]
    return [device for device in found if device_type in (None, device.device_type)]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that sessions may use."""
    found = list_physical_devices() if _settings.visible is None else _settings.visible
    return [device for device in found if device_type in (None, device.device_type)]


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Says which devices sessions may use; with a `device_type`, those of others stay as they are.

    Raises:
        ValueError: a device is not there, is named twice, or of another type.
        TypeError: these are no devices.
        RuntimeError: the devices were listed by `list_logical_devices` before.
    """
    if not isinstance(devices, list | tuple):
        raise TypeError(f"Visible devices are a list of what list_physical_devices gives, got {devices!r}")
    chosen = [devices] if isinstance(devices, PhysicalDevice) else list(devices)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"A device is named twice: {chosen}")
    for device in chosen:
        _check_device(device, device_type)
    others = [] if device_type is None else [d for d in get_visible_devices() if d.device_type != device_type]
    if [*others, *chosen] != get_visible_devices():
        _settings.changing("Visible devices")
        _settings.visible = [*others, *chosen]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices of a session: one for the processor, or as many as were asked for, and one for the GPUs together.

    Ranks of a machine take its GPUs in turn; a session knows one. From now on which they are is settled.
    """
    _settings.settled = True
    found: list[LogicalDevice] = []
    for kind in ("CPU", "GPU"):
        visible = get_visible_devices(kind)
        parts = [part for device in visible for part in _settings.virtual.get(device, [device])]
        count = min(len(parts), 1) if kind == "GPU" else len(parts)
        found += [LogicalDevice(f"{_TASK}/device:{kind}:{i}", kind) for i in range(count)]
    return [device for device in found if device_type in (None, device.device_type)]


def experimental_list_devices() -> list[str]:
    """The names of `list_logical_devices`."""
    return [device.name for device in list_logical_devices()]


def _check_device(device: Any, device_type: str | None = None) -> None:
    if device not in list_physical_devices(device_type):
        raise ValueError(f"Unrecognized device: {device!r}; there are {list_physical_devices(device_type)}")


# ---- Memory of GPUs ----


def get_memory_growth(device: PhysicalDevice) -> bool:
    """Whether a GPU's memory is taken as it is needed: what was set, else True."""
    _check_gpu(device, "get")
    return _settings.growth.get(device, True)


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Says whether a GPU's memory is taken as it is needed. It always is: with False nothing is taken ahead either.

    Raises:
        ValueError: the device is not there, no GPU, or has a VirtualDeviceConfiguration.
        RuntimeError: the devices were listed by `list_logical_devices` before.
    """
    _check_gpu(device, "set")
    if device in _settings.virtual:
        raise ValueError("Cannot set memory growth on device when virtual devices configured")
    if _settings.growth.get(device) != bool(enable):
        _settings.changing("Physical devices")
        _settings.growth[device] = bool(enable)


def _check_gpu(device: Any, what: str) -> None:
    _check_device(device)
    if device.device_type != "GPU":
        raise ValueError(f"Cannot {what} memory growth on non-GPU devices: {device.name}")


def get_virtual_device_configuration(device: PhysicalDevice) -> list[VirtualDeviceConfiguration] | None:
    """What was set for a device; None if nothing was."""
    _check_device(device)
    return _settings.virtual.get(device)


def set_virtual_device_configuration(
    device: PhysicalDevice, virtual_devices: Sequence[VirtualDeviceConfiguration]
) -> None:
    """Gives a GPU's memory a limit, `[VirtualDeviceConfiguration(memory_limit=1024)]`; or says how many devices a CPU is.

    Raises:
        ValueError: the device is not there, a CPU's memory would be limited, a limit is not above 0, a GPU would be several
            devices or none, or its memory growth was set.
        TypeError: these are no VirtualDeviceConfigurations.
        RuntimeError: the devices were listed by `list_logical_devices` before.
    """
    _check_device(device)
    parts = _checked_parts(virtual_devices)
    if device.device_type == "CPU" and any(part.memory_limit is not None for part in parts):
        raise ValueError("Setting memory limit on CPU virtual devices is currently not supported")
    if not parts or (device.device_type == "GPU" and len(parts) > 1):
        raise ValueError(f"{device.name} can be one device of a session, not {len(parts)}: give its memory one limit")
    if device in _settings.growth:
        raise ValueError("Cannot set virtual devices on a device whose memory growth was set")
    if _settings.virtual.get(device) != parts:
        _settings.changing("Virtual devices")
        _settings.virtual[device] = parts


def _checked_parts(parts: Any) -> list[VirtualDeviceConfiguration]:
    if not isinstance(parts, list | tuple) or not all(isinstance(part, VirtualDeviceConfiguration) for part in parts):
        raise TypeError(f"virtual_devices must be a list of VirtualDeviceConfigurations, got {parts!r}")
    for part in parts:
        limit = part.memory_limit
        if limit is not None and (not isinstance(limit, int | float | np.number) or not 0 < limit < math.inf):
            raise ValueError(f"memory_limit must be a number of MiB above 0, got {limit!r}")
    return list(parts)


# ---- Placement ----


def get_soft_device_placement() -> bool:
    """Whether operations may run elsewhere than they ask for."""
    return _settings.config.allow_soft_placement


def set_soft_device_placement(enabled: bool) -> None:
    """Says whether operations may run elsewhere than they ask for, in sessions that are given no ConfigProto."""
    _settings.changing().allow_soft_placement = enabled


def get_device_policy() -> str:
    """What eager operations would do with values on other devices: what was set, at first "silent"."""
    return _settings.policy


def set_device_policy(device_policy: str | None) -> None:
    """Keeps a policy of eager execution, which graphs have no use for: values are always copied to where they are used."""
    if device_policy not in (None, *_POLICIES):
        raise ValueError(f"Not a valid device policy: {device_policy!r}; there are {', '.join(_POLICIES)}")
    _settings.policy = device_policy or _POLICIES[0]


def get_synchronous_execution() -> bool:
    """Whether eager operations would be waited for: what was set, at first True."""
    return _settings.synchronous


def set_synchronous_execution(enable: bool | None) -> None:
    """Keeps a choice of eager execution, which graphs have no use for: a session's run returns when all is done."""
    _settings.synchronous = enable is None or bool(enable)


# ---- Threads ----


def get_intra_op_parallelism_threads() -> int:
    """How many threads an operation may use; 0 for as many as the machine has."""
    return _settings.config.intra_op_parallelism_threads


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Says how many threads an operation may use, in sessions that are given no ConfigProto."""
    _settings.changing("Intra op parallelism").intra_op_parallelism_threads = num_threads


def get_inter_op_parallelism_threads() -> int:
    """How many operations might run at once: what was set, at first 0."""
    return _settings.config.inter_op_parallelism_threads


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Says how many operations may run at once; steps run theirs in order, each on several threads."""
    _settings.changing("Inter op parallelism").inter_op_parallelism_threads = num_threads


# ---- Rewriting ----


def get_jit() -> bool:
    """Whether `set_jit(True)` was called."""
    return _settings.config.graph_options.optimizer_options.global_jit_level == OptimizerOptions.ON_1


def set_jit(enabled: bool) -> None:
    """Keeps a choice of XLA, which there is not: steps are compiled by headrace's own passes with it and without."""
    options = _settings.changing().graph_options.optimizer_options
    options.global_jit_level = OptimizerOptions.ON_1 if enabled else OptimizerOptions.OFF


def get_experimental_options() -> dict[str, Any]:
    """What was set of the rewriting's options, by their names in a RewriterConfig."""
    options = _settings.config.graph_options.rewrite_options
    found: dict[str, Any] = {"disable_model_pruning": False, "disable_meta_optimizer": False}
    for field, value in options.ListFields():
        found[field.name] = value == RewriterConfig.ON if field.enum_type is not None else value
    return found


def set_experimental_options(options: dict[str, Any]) -> None:
    """Switches parts of the rewriting on and off by their names in a RewriterConfig, such as `auto_mixed_precision`.

    Raises:
        ValueError: there is no such option, or it is neither a switch nor a number. Nothing is changed then.
        TypeError: these are no options by name.
    """
    if not isinstance(options, Mapping):
        raise TypeError(f"Options are a dictionary by name, such as {{'constant_folding': False}}; got {options!r}")
    chosen = RewriterConfig()
    chosen.CopyFrom(_settings.config.graph_options.rewrite_options)
    for name, value in options.items():
        _choose(chosen, name, value)
    _settings.changing().graph_options.rewrite_options.CopyFrom(chosen)


def _choose(chosen: RewriterConfig, name: str, value: Any) -> None:
    field = RewriterConfig.DESCRIPTOR.fields_by_name.get(str(name))
    if field is None or field.message_type is not None:
        raise ValueError(f"There is no switch {name!r} in a RewriterConfig; there are {sorted(_switches())}")
    toggles = field.enum_type is not None and field.enum_type.name == "Toggle"
    if toggles and not (isinstance(value, int | np.bool_) and value in (0, 1)):
        raise ValueError(f"The option {name!r} is True or False, got {value!r}")
    try:
        setattr(chosen, name, (RewriterConfig.ON if value else RewriterConfig.OFF) if toggles else value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The option {name!r} cannot be {value!r}: {error}") from None


def _switches() -> list[str]:
    fields = RewriterConfig.DESCRIPTOR.fields
    return [field.name for field in fields if field.enum_type is not None and field.enum_type.name == "Toggle"]
