"""Which device a session gets: asked for when a session is made, and never by `import headrace`."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import math
import os
import platform
import threading
from typing import Any

from ..errors import FailedPreconditionError, InvalidArgumentError
from ..unsupported import UnsupportedError
from .cuda import driver
from .device import Device
from .memory import ledger_of

logger = logging.getLogger("headrace")

# HEADRACE_GPU: a GPU through CUDA where there is one (the default), the simulation, or none.
CHOICES = ("cuda", "sim", "none")
_LOCAL_RANK = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PMI_LOCAL_RANK", "PALS_LOCAL_RANKID", "SLURM_LOCALID")
_LOCAL_SIZE = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE")

# Unset or 1: GPUs add up among themselves where all ranks have one that can; 0: through the hosts.
_NCCL = "HEADRACE_NCCL"
_VISIBLE = "CUDA_VISIBLE_DEVICES"

_simulations: list[Device] = []
_said: set[str] = set()
# The oldest compute capability that kernels are written for.
_OLDEST = (7, 5)
_lock = threading.Lock()


def find_device(config: Any = None, required: bool = False) -> Device | None:
    """The device of a new session, or None.

    Args:
        config: the session's ConfigProto or None: `device_count={"GPU": 0}` asks for none, `gpu_options` says which and
            how much of its memory.
        required: whether it is an error if there is none.

    Raises:
        FailedPreconditionError: there is none, though it is required or HEADRACE_GPU asks for one.
        InvalidArgumentError: HEADRACE_GPU, `visible_device_list` or `per_process_gpu_memory_fraction` cannot be understood.
    """
    choice = os.environ.get("HEADRACE_GPU", "")
    if choice not in ("", *CHOICES):
        raise InvalidArgumentError(None, None, f"HEADRACE_GPU is {choice!r}; it may be {', '.join(CHOICES)}")
    required = required or choice == "cuda"
    if choice == "none" or _switched_off(config):
        _refuse("it is switched off by HEADRACE_GPU or device_count", required)
        return None
    device = _simulated(config) if choice == "sim" else _cuda(config, required)
    if device is not None:
        _limit(device, config)
    return device


def available_device(config: Any = None) -> Device | None:
    """The device that a session would get; where HEADRACE_GPU asks for one that is not there None, and the log says why."""
    try:
        return find_device(config)
    except FailedPreconditionError as error:
        _say(error.message)
        return None


def visible_cards() -> int:
    """How many GPUs this process may use, whether or not what they need is installed."""
    choice = os.environ.get("HEADRACE_GPU", "")
    return {"none": 0, "sim": 1}[choice] if choice in ("none", "sim") else len(driver.find().cards)


def knows_gpus() -> bool:
    """Whether what GPUs need is installed, whether or not there is one: CuPy, or nothing for the simulation."""
    return os.environ.get("HEADRACE_GPU") == "sim" or importlib.util.find_spec("cupy") is not None


def _refuse(reason: str, required: bool) -> None:
    if required:
        raise FailedPreconditionError(
            None, None, f"There is no GPU for this session: {reason.removeprefix('no GPU: ')}"
        )


def _switched_off(config: Any) -> bool:
    return config is not None and "GPU" in config.device_count and config.device_count["GPU"] == 0


def _simulated(config: Any) -> Device:
    _visible(1, config)
    with _lock:
        if not _simulations:
            from .sim.device import SimDevice  # only those who ask for it pay for it

            _simulations.append(SimDevice())
        return _simulations[0]


def _cuda(config: Any, required: bool) -> Device | None:
    found = driver.find()
    if not found.cards:
        _refuse(found.reason, required)
        return None
    number = card_number(len(found.cards), config)
    try:
        _require_recent(found.cards[number].architecture)
        driver.check_packages(found)
        from .cuda.device import open_device  # CuPy is slow to import

        return open_device(number)
    except UnsupportedError as error:
        _say(f"The GPU {found.cards[number].name} is not used: {error}")
        _refuse(str(error), required)
        return None


def _require_recent(architecture: str) -> None:
    have = _capability_of(architecture)
    if have < _OLDEST:
        raise UnsupportedError("its compute capability is {}.{}, and {}.{} or newer is needed".format(*have, *_OLDEST))


def card_number(count: int, config: Any = None) -> int:
    """Which of `count` GPUs this process uses: the ranks of a machine take turns."""
    numbers = _visible(count, config)
    rank, size = _number(_LOCAL_RANK, 0), _number(_LOCAL_SIZE, 1)
    # A launcher that gives each rank a GPU shows it no other.
    if size > len(numbers) and not (count == 1 and os.environ.get(_VISIBLE)):
        _say(f"{size} ranks of this machine share {len(numbers)} GPU{'s' * (len(numbers) > 1)}")
    return numbers[rank % len(numbers)]


def _visible(count: int, config: Any) -> list[int]:
    text = "" if config is None else config.gpu_options.visible_device_list
    try:
        numbers = [int(part) for part in text.split(",")] if text else list(range(count))
    except ValueError:
        numbers = [-1]
    if any(not 0 <= number < count for number in numbers):
        raise InvalidArgumentError(None, None, f"visible_device_list is {text!r}; there are GPUs 0 to {count - 1}")
    return numbers


def _number(names: tuple[str, ...], otherwise: int) -> int:
    found = (os.environ.get(name, "").split("(")[0] for name in names)
    return next((int(text) for text in found if text.isdigit()), otherwise)


def card_for_sums() -> tuple[int, str]:
    """A number that no other GPU has, for the one that this rank uses; or 0, and why it cannot add up with others.

    Raises:
        InvalidArgumentError: HEADRACE_NCCL is neither 0 nor 1.
    """
    wanted, choice = os.environ.get(_NCCL) or "1", os.environ.get("HEADRACE_GPU", "")
    if wanted not in ("0", "1"):
        raise InvalidArgumentError(None, None, f"{_NCCL} is {wanted!r}; it may be 0 or 1")
    if wanted == "0":
        return 0, f"{_NCCL} is 0"
    if choice == "none":
        return 0, "HEADRACE_GPU is none"
    if choice == "sim":
        return _numbered(f"{platform.node()} {os.getpid()}".encode()), ""
    try:
        return _numbered(_card_of_nccl()), ""
    except UnsupportedError as error:
        return 0, str(error)


def _card_of_nccl() -> bytes:
    """What tells this process's GPU from others; UnsupportedError where it has none, or no NCCL for it."""
    found = driver.find()
    driver.check_packages(found)
    from .cuda import nccl  # only who has a GPU needs it

    index = card_number(len(found.cards))
    _require_recent(found.cards[index].architecture)
    nccl.require_nccl(driver.cuda_of_cupy() or min(found.cuda, driver.NEWEST_CUDA))
    return driver.identity(index) or f"{platform.node()} {os.environ.get(_VISIBLE)} {index}".encode()


def _numbered(identity: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(identity, digest_size=8).digest(), "little", signed=True) or 1


def _say(text: str) -> None:
    if text not in _said:
        _said.add(text)
        logger.warning(text)


def _limit(device: Device, config: Any) -> None:
    share = 0.0 if config is None else config.gpu_options.per_process_gpu_memory_fraction
    if not 0 <= share < math.inf:
        raise InvalidArgumentError(
            None, None, f"per_process_gpu_memory_fraction is {share}; it is a share of the GPU's memory, such as 0.5"
        )
    if share > 0:
        ledger_of(device).limit = int(share * device.memory()[1])
    parts = [] if config is None else config.gpu_options.experimental.virtual_devices
    limits = [mebibytes for part in parts for mebibytes in part.memory_limit_mb]
    if any(not 0 < mebibytes < math.inf for mebibytes in limits):
        raise InvalidArgumentError(None, None, f"memory_limit_mb is {limits}; it is a number of MiB above 0")
    if limits:
        ledger_of(device).limit = int(limits[0] * (1 << 20))


def capability(device: Device) -> tuple[int, int]:
    """Which kernels a device can run: (9, 0) for sm_90; anything for the simulation."""
    return _capability_of(device.architecture)


def _capability_of(architecture: str) -> tuple[int, int]:
    digits = architecture.removeprefix("sm_").rstrip("abcdefghijklmnopqrstuvwxyz")
    return (int(digits[:-1]), int(digits[-1])) if digits.isdigit() else (99, 0)
