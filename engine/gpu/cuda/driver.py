"""Is there a GPU? Asked of the driver itself, in a fraction of a millisecond and without CuPy."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import FailedPreconditionError
from ...unsupported import UnsupportedError

# The oldest CUDA that CuPy's wheels are made for.
OLDEST_CUDA, NEWEST_CUDA = 12, 13
_LIBRARY = "libcuda.so.1"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
# Of CUresult.
_NOT_INITIALIZED, _STUB, _NO_DEVICE, _NOT_READY, _MISMATCH, _UNKNOWN = 3, 34, 100, 802, 803, 999
_CURES = {
    _NOT_INITIALIZED: "the driver was started before this process was forked: start processes by 'spawn'",
    _STUB: "libcuda.so.1 is the toolkit's stub: take its folder out of LD_LIBRARY_PATH",
    _NOT_READY: "the system is not ready: is the fabric manager running?",
    _MISMATCH: "the kernel module and libcuda are of different versions: restart the machine, or mount the host's libcuda",
    _UNKNOWN: "the driver failed to start: see `nvidia-smi` and `dmesg`",
}
# Of CUdevice_attribute.
_MAJOR, _MINOR = 75, 76
_UUID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU: its number, its name, what kernels are compiled for ("sm_90") and its bytes of memory."""

    index: int
    name: str
    architecture: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """The GPUs of this process, the newest CUDA of their driver (13 for 13.1), and why there are none."""

    cards: tuple[Card, ...] = ()
    cuda: int = 0
    reason: str = ""


class _Answer:
    """What was found, and by which process: the driver does not survive a fork."""

    found: Found | None = None
    process: int = 0


_answer = _Answer()
_lock = threading.Lock()


def find() -> Found:
    """The GPUs that this process may use, or why it has none; asked of the driver once."""
    with _lock:
        # A forked child keeps the answer: to ask again fails, and naming its devices is harmless.
        if _answer.found is None:
            _answer.found = _ask(_open_library)
            _answer.process = os.getpid() if _answer.found.cards else 0
        return _answer.found


def check_process() -> None:
    """Raises FailedPreconditionError in a process that was forked after the driver was started."""
    if _answer.process not in (0, os.getpid()):
        raise FailedPreconditionError(None, None, "the GPU cannot be used here: " + _CURES[_NOT_INITIALIZED])


def check_packages(found: Found) -> None:
    """Raises UnsupportedError, which says what to install, unless there are a GPU and a CuPy that fits its driver."""
    if found.reason:
        raise UnsupportedError(found.reason)
    fitting = range(min(found.cuda, NEWEST_CUDA), OLDEST_CUDA - 1, -1)
    if importlib.util.find_spec("cupy") is None:
        raise UnsupportedError(f"there is a GPU but no CuPy: install headrace[cuda{fitting[0]}]")
    made_for = cuda_of_cupy()
    if made_for and made_for not in fitting:
        raise UnsupportedError(
            f"CuPy is made for CUDA {made_for} and the driver knows up to {found.cuda}: update the driver, or "
            f"uninstall cupy-cuda{made_for}x and install headrace[cuda{fitting[0]}]"
        )


def cuda_of_cupy() -> int:
    """The CUDA major that the installed CuPy is made for; 0 for one built from source."""
    from importlib import metadata

    for major in range(NEWEST_CUDA, OLDEST_CUDA - 1, -1):
        try:
            metadata.version(f"cupy-cuda{major}x")
        except metadata.PackageNotFoundError:
            continue
        return major
    return 0


def _open_library() -> Any:
    return ctypes.CDLL(_LIBRARY)


def _ask(open_library: Callable[[], Any]) -> Found:
    visible = os.environ.get(_VISIBLE)
    if visible is not None and (not visible.strip() or visible.strip().startswith("-1")):
        return Found(reason=f"no GPU: {_VISIBLE} is {visible!r}")
    try:
        cuda = open_library()
    except OSError:
        return Found(reason=f"no GPU: there is no NVIDIA driver ({_LIBRARY} was not found)")
    number = ctypes.c_int()
    if status := cuda.cuInit(0):
        return Found(reason=f"no GPU: {_failure(status)}")
    if status := cuda.cuDriverGetVersion(ctypes.byref(number)):
        return Found(reason=f"no GPU: {_failure(status)}")
    version = number.value
    if version < OLDEST_CUDA * 1000:
        known = f"{version // 1000}.{version % 1000 // 10}"
        return Found(reason=f"no GPU: its driver knows CUDA {known}, and {OLDEST_CUDA} is needed: update the driver")
    if status := cuda.cuDeviceGetCount(ctypes.byref(number)):
        return Found(reason=f"no GPU: {_failure(status)}")
    if not number.value:
        return Found(reason=f"no GPU: {_failure(_NO_DEVICE)}")
    return Found(tuple(_card(cuda, i) for i in range(number.value)), version // 1000)


def _failure(status: int) -> str:
    if status == _NO_DEVICE:
        visible = os.environ.get(_VISIBLE)
        return "the driver sees none" + ("" if visible is None else f" ({_VISIBLE} is {visible!r})")
    return _CURES.get(status, f"the driver answers with error {status}")


def _card(cuda: Any, index: int) -> Card:
    device, major, minor, nbytes = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(nbytes), device)
    return Card(index, name.value.decode(errors="replace"), f"sm_{major.value}{minor.value}", nbytes.value)


def identity(index: int, open_library: Callable[[], Any] = _open_library) -> bytes:
    """What tells the GPU of this number from all others, wherever they are; empty if the driver does not say."""
    cuda, device, found = open_library(), ctypes.c_int(), ctypes.create_string_buffer(_UUID_BYTES)
    if cuda.cuDeviceGet(ctypes.byref(device), index) or cuda.cuDeviceGetUuid(found, device):
        return b""
    return found.raw
