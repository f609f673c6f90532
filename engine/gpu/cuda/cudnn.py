"""cuDNN's C API: the library on one device and one stream, its descriptors, and calls of it that are prepared once."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable, Mapping
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int, c_void_p
from typing import Any

import numpy as np

from ...errors import InternalError
from ...unsupported import UnsupportedError
from ..device import ALIGNMENT, Device, Sizes4
from .workspace import Workspace

# cudnnDataType_t of elements; sums of 16-bit elements are float32.
FLOAT, DOUBLE, HALF, BFLOAT16 = 0, 1, 2, 9
DATA_TYPES = {"float32": FLOAT, "float64": DOUBLE, "float16": HALF, "bfloat16": BFLOAT16}
# cudnnMathType_t. The default math of float32 is TF32.
DEFAULT_MATH, TENSOR_OPS, FMA = 0, 1, 3
# cudnnTensorFormat_t.
CHANNELS_LAST = 1
# What it is used for, where HEADRACE_CUDNN does not say that it is for less.
USES = ("convolutions", "pools", "recurrent")

Signatures = Mapping[str, tuple[Any, ...]]
_SIGNATURES: Signatures = {
    "cudnnCreate": (POINTER(c_void_p),),
    "cudnnSetStream": (c_void_p, c_void_p),
    "cudnnCreateTensorDescriptor": (POINTER(c_void_p),),
    "cudnnSetTensor4dDescriptor": (c_void_p, *[c_int] * 6),
    "cudnnDestroyTensorDescriptor": (c_void_p,),
}


def uses() -> frozenset[str]:
    """What cuDNN is used for: all, or what HEADRACE_CUDNN names, with commas between; "0" for nothing."""
    named = os.environ.get("HEADRACE_CUDNN", "")
    wanted = frozenset({"0": (), "": USES}.get(named, named.split(",")))
    if unknown := wanted - {*USES}:
        raise ValueError(f"HEADRACE_CUDNN is 0 or some of {', '.join(USES)}, not {', '.join(sorted(unknown))}")
    return wanted


def declare(library: Any, signatures: Signatures) -> None:
    """Gives functions of a library their types."""
    for name, arguments in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int


class Cudnn:
    """cuDNN on one device and one stream."""

    def __init__(self, library: Any, device: Device, stream: int, workspace: Workspace) -> None:
        self.library = library
        self.device = device
        self.workspace = workspace
        self.handle = c_void_p()
        declare(library, _SIGNATURES)
        # Workspaces of one size have products in recurrent layers repeat their results. It is read when the handle is made.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:2")
        library.cudnnGetErrorString.argtypes, library.cudnnGetErrorString.restype = (c_int,), c_char_p
        self.check(library.cudnnCreate(byref(self.handle)), "cudnnCreate")
        self.check(library.cudnnSetStream(self.handle, stream), "cudnnSetStream")

    def words(self, status: int) -> str:
        """What a status means."""
        text: bytes = self.library.cudnnGetErrorString(status) or b""
        return f"{text.decode(errors='replace')} ({status})"

    def check(self, status: int, what: str) -> None:
        """Raises InternalError unless the status is zero."""
        if status:
            raise InternalError(None, None, f"{what} failed: {self.words(status)}")

    def ask(self, name: str, *arguments: Any) -> None:
        """Calls a function of the library that says whether it can do something; UnsupportedError if it cannot."""
        if status := getattr(self.library, f"cudnn{name}")(*arguments):
            raise UnsupportedError(f"cudnn{name}: {self.words(status)}")


class Descriptors:
    """Descriptors that are destroyed together."""

    def __init__(self, cudnn: Cudnn) -> None:
        self._cudnn = cudnn
        self._made: list[tuple[str, c_void_p]] = []
        weakref.finalize(self, _destroy, cudnn.library, self._made).atexit = False

    def new(self, kind: str) -> c_void_p:
        """A descriptor, such as a "Tensor"."""
        made = c_void_p()
        self._cudnn.ask(f"Create{kind}Descriptor", byref(made))
        self._made.append((kind, made))
        return made

    def images(self, data: int, sizes: Sizes4) -> c_void_p:
        """The descriptor of images with channels last."""
        made, (count, rows, columns, channels) = self.new("Tensor"), sizes
        self._cudnn.ask("SetTensor4dDescriptor", made, CHANNELS_LAST, data, count, channels, rows, columns)
        return made


def _destroy(library: Any, made: list[tuple[str, c_void_p]]) -> None:
    for kind, descriptor in made:
        getattr(library, f"cudnnDestroy{kind}Descriptor")(descriptor)


class LibraryCall:
    """A call of cuDNN whose arguments were made once; `keeps` is what they point to."""

    __slots__ = ("_arguments", "_cudnn", "_keeps", "_run", "_what")

    def __init__(self, cudnn: Cudnn, name: str, arguments: tuple[Any, ...], what: str, keeps: Any) -> None:
        self._run: Callable[..., int] = getattr(cudnn.library, f"cudnn{name}")
        self._cudnn, self._arguments, self._what, self._keeps = cudnn, arguments, what, keeps

    def __call__(self) -> None:
        if status := self._run(*self._arguments):
            self._cudnn.check(status, f"{self._what} by cuDNN")


def one_and_zero(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The factors of a result, and of what was there before, for results of a dtype."""
    scale: type[ctypes.c_double] | type[ctypes.c_float] = c_double if dtype.name == "float64" else c_float
    return scale(1), scale(0)


def even(nbytes: int) -> int:
    """So many bytes and those that keep what comes next aligned."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
