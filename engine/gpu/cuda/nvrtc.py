"""Kernels compiled by NVRTC, which needs no GPU: machine code for an architecture, and what each kernel takes of it."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...errors import InternalError
from ...unsupported import UnsupportedError
from ..source import Kernel, unit_text
from .library import NVRTC, candidates, load

# What GPUs from 2018 on are called: Turing, Ampere (twice), Ada, Hopper, Blackwell (twice).
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
_FLAGS = ("--std=c++17", "--ptxas-options=-v", "--diag-suppress=177")
_SOURCE = "kernels"
_NEWEST_FIRST = (13, 12)
_KERNEL = re.compile(r"Compiling entry function '(\w+)' for")
_NUMBERS = {
    "registers": re.compile(r"Used (\d+) registers"),
    "shared": re.compile(r"(\d+) bytes smem"),
    "stack": re.compile(r"(\d+) bytes stack frame"),
    "stores": re.compile(r"(\d+) bytes spill stores"),
    "loads": re.compile(r"(\d+) bytes spill loads"),
}
_PLACE = re.compile(r"^(?P<file>[^\s(]+)\((?P<line>\d+)\): (?P<text>.*error.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a kernel takes: registers a thread, bytes of shared memory a block, bytes that did not fit into registers."""

    registers: int
    shared: int
    stack: int
    spills: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """Machine code (or PTX for a GPU that NVRTC does not know), what each kernel takes, and the compiler's words."""

    code: bytes
    usage: dict[str, Usage]
    log: str


class Nvrtc:
    """NVIDIA's run-time compiler for CUDA `cuda`, the newest that is installed if None.

    Raises:
        UnsupportedError: it is not installed; the text says what to install.
    """

    def __init__(self, cuda: int | None = None) -> None:
        self._library = _library(cuda)
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        self.version = (major.value, minor.value)

    def architectures(self) -> list[int]:
        """The compute capabilities that it compiles for, such as 90, in order."""
        count = ctypes.c_int()
        self._call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
        numbers = (ctypes.c_int * count.value)()
        self._call("nvrtcGetSupportedArchs", numbers)
        return sorted(numbers)

    def compile(self, text: str, architecture: str) -> Compiled:
        """Compiles a unit for an architecture such as "sm_90"; for a newer one than it knows, PTX that the driver compiles.

        Raises:
            InternalError: the text is wrong; the message has the compiler's first errors with their lines.
            UnsupportedError: the architecture is older than all that it compiles for.
        """
        wanted = self._wanted(architecture)
        program = ctypes.c_void_p()
        self._call("nvrtcCreateProgram", ctypes.byref(program), text.encode(), _SOURCE.encode(), 0, None, None)
        try:
            flags = [flag.encode() for flag in (f"--gpu-architecture={wanted}", *_FLAGS)]
            status = self._library.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
            log = self._bytes("ProgramLog", program).rstrip(b"\0").decode(errors="replace")
            if status:
                raise InternalError(None, None, f"NVRTC {self.name} for {wanted}: {_explained(text, log)}")
            code = self._bytes("CUBIN" if wanted.startswith("sm_") else "PTX", program)
            return Compiled(code, usage_of(log), log)
        finally:
            self._call("nvrtcDestroyProgram", ctypes.byref(program))

    @property
    def name(self) -> str:
        """The version as text, such as "13.0"."""
        return "{}.{}".format(*self.version)

    def _wanted(self, architecture: str) -> str:
        number, known = int(re.sub(r"\D", "", architecture)), self.architectures()
        if number in known:
            return architecture
        older = [k for k in known if k < number]
        if not older:
            raise UnsupportedError(f"NVRTC {self.name} compiles for sm_{known[0]} and newer, not for {architecture}")
        return f"compute_{older[-1]}"

    def _bytes(self, what: str, program: ctypes.c_void_p) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        data = ctypes.create_string_buffer(size.value)
        self._call(f"nvrtcGet{what}", program, data)
        return data.raw

    def _call(self, name: str, *arguments: Any) -> None:
        status = self._library[name](*arguments)
        if status:
            self._library.nvrtcGetErrorString.restype = ctypes.c_char_p
            text = self._library.nvrtcGetErrorString(status).decode()
            raise InternalError(None, None, f"{name}: {text}")


class NvrtcCompiler:
    """NVRTC as a compiler of kernels for one architecture: what the cache of compiled kernels asks."""

    suffix = ".cubin"

    def __init__(self, architecture: str, nvrtc: Nvrtc | None = None) -> None:
        self.architecture = architecture
        self._nvrtc = nvrtc or Nvrtc()

    @property
    def identity(self) -> str:
        """What compiled units depend on besides the kernels."""
        return "\n".join(["nvrtc", self._nvrtc.name, self.architecture, *_FLAGS])

    def compile(self, kernels: Sequence[Kernel]) -> bytes:
        """One unit with all these kernels."""
        return self._nvrtc.compile(unit_text(kernels), self.architecture).code


def usage_of(log: str) -> dict[str, Usage]:
    """What each kernel takes, from what ptxas says with -v."""
    parts = _KERNEL.split(log)
    return {name: _usage(words) for name, words in zip(parts[1::2], parts[2::2], strict=True)}


def _usage(words: str) -> Usage:
    found = {name: pattern.search(words) for name, pattern in _NUMBERS.items()}
    numbers = {name: int(match[1]) if match else 0 for name, match in found.items()}
    return Usage(numbers["registers"], numbers["shared"], numbers["stack"], numbers["stores"] + numbers["loads"])


def _explained(text: str, log: str) -> str:
    """The compiler's errors, each with the line that it speaks of."""
    files = _lines_of_files(text)
    parts = []
    for match in list(_PLACE.finditer(log))[:5]:
        lines, line = files.get(match["file"], []), int(match["line"])
        shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        parts.append(f"{match['file']}:{line}: {match['text']}\n  {line} | {shown}")
    return "\n".join(parts) or log[:4000]


def _lines_of_files(text: str) -> dict[str, list[str]]:
    """The unit's lines by the names that its #line directives give."""
    files: dict[str, list[str]] = {}
    current = files.setdefault(_SOURCE, [])
    for line in text.splitlines():
        named = re.match(r'#line 1 "(.*)"', line)
        if named:
            current = files.setdefault(named[1], [])
        else:
            current.append(line)
    return files


@cache
def _library(cuda: int | None) -> ctypes.CDLL:
    failures = []
    for major in [cuda] if cuda else _NEWEST_FIRST:
        try:
            return _opened(major)
        except UnsupportedError as error:
            failures.append(error)
    raise failures[0]


def _opened(cuda: int) -> ctypes.CDLL:
    # What it opens by name while it compiles must be there first, for all to see.
    for path in candidates(NVRTC, cuda):
        for built_in in sorted(Path(path).parent.glob("libnvrtc-builtins.so.*")) if isinstance(path, Path) else ():
            ctypes.CDLL(str(built_in), mode=ctypes.RTLD_GLOBAL)
        break
    return load(NVRTC, cuda)
