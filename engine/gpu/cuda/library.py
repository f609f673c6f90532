"""Where NVIDIA's shared libraries are: in installed wheels, in a CUDA toolkit or where the system looks."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...unsupported import UnsupportedError

# Names a folder that is searched first.
FOLDER_VARIABLE = "HEADRACE_CUDA_LIBRARIES"
_TOOLKITS = ("CUDA_HOME", "CUDA_PATH")


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library: its name without version, its folder in the wheels for CUDA 12, and the extra that has it.

    `versions` are the sonames' endings, the newest first; an empty one stands for the CUDA major that is wanted.
    """

    name: str
    wheel: str
    extra: str
    versions: tuple[str, ...] = ()

    def sonames(self, cuda: int) -> list[str]:
        """The file names to look for where CUDA `cuda` is wanted."""
        return [f"lib{self.name}.so.{version}" for version in self.versions or (str(cuda),)]


CUBLASLT = Library("cublasLt", "cublas", "cuda")
CUBLAS = Library("cublas", "cublas", "cuda")
NVRTC = Library("nvrtc", "cuda_nvrtc", "cuda")
CUDNN = Library("cudnn", "cudnn", "cudnn", ("9",))
NCCL = Library("nccl", "nccl", "nccl", ("2",))


def extra_of(library: Library, cuda: int) -> str:
    """What to install for a library, such as `headrace[cudnn13]`."""
    return f"headrace[{library.extra}{cuda}]"


def load(library: Library, cuda: int, everywhere: bool = False) -> ctypes.CDLL:
    """Opens a library for CUDA `cuda` (12 or 13); `everywhere`: its names are seen by libraries opened later.

    Raises:
        UnsupportedError: it is not installed, or does not open; the text says what to install.
    """
    mode = ctypes.RTLD_GLOBAL if everywhere else ctypes.DEFAULT_MODE
    failures = []
    for path in candidates(library, cuda):
        try:
            return ctypes.CDLL(str(path), mode=mode)
        except OSError as error:
            failures.append(f"{error}")
    reason = f" ({failures[0]})" if failures else ""
    raise UnsupportedError(f"no lib{library.name} for CUDA {cuda}: install {extra_of(library, cuda)}{reason}")


def candidates(library: Library, cuda: int) -> Iterator[Path | str]:
    """Where a library may be, the first choice first: files that exist, then names for the system to find."""
    for name in library.sonames(cuda):
        for folder in folders(library, cuda):
            if (folder / name).is_file():
                yield folder / name
    yield from library.sonames(cuda)


def folders(library: Library, cuda: int) -> Iterator[Path]:
    """The folders that may hold a library, the first choice first."""
    if os.environ.get(FOLDER_VARIABLE):
        yield Path(os.environ[FOLDER_VARIABLE])
    for site in wheel_folders(sys.path):
        # From CUDA 13 on, the libraries of a toolkit share one folder.
        yield site / f"cu{cuda}" / "lib"
        yield site / library.wheel / "lib"
    for variable in _TOOLKITS:
        if os.environ.get(variable):
            yield Path(os.environ[variable]) / "lib64"
    yield Path(f"/usr/local/cuda-{cuda}/lib64")
    yield Path("/usr/local/cuda/lib64")


def wheel_folders(paths: Sequence[str]) -> Iterator[Path]:
    """The folders into which NVIDIA's wheels are installed."""
    for path in paths:
        if path and (folder := Path(path) / "nvidia").is_dir():
            yield folder
