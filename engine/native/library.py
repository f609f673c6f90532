"""Loads the native runtime: the extension module, the kernels of the best instruction set, and NumPy's BLAS by pointer."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError

# Names that builds of OpenBLAS and other libraries give to the same function; with 64-bit integers first.
_BLAS = [
    ("scipy_cblas_{}gemm64_", "scipy_openblas_{}_num_threads64_", True),
    ("cblas_{}gemm64_", "openblas_{}_num_threads64_", True),
    ("scipy_cblas_{}gemm", "scipy_openblas_{}_num_threads", False),
    ("cblas_{}gemm", "openblas_{}_num_threads", False),
]
# How launchers tell the number of ranks on this machine.
_LOCAL_RANKS = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE")


@dataclass(frozen=True)
class Library:
    """What the extension offers: kernels by name as (address, fields of the arguments), and the type of segments."""

    instruction_set: str
    kernels: Mapping[str, tuple[int, int]]
    segment: Any
    has_blas: bool


@cache
def load() -> Library | str:
    """The library, or in a few words why there is none.

    HEADRACE_NATIVE=0 switches it off, and otherwise may name a folder with another build of it (such as one with
    sanitizers); HEADRACE_CPU names an instruction set below the machine's best.
    """
    if os.environ.get("HEADRACE_NATIVE") == "0":
        return "HEADRACE_NATIVE=0"
    try:
        runtime = _runtime()
    except ImportError as error:
        return f"the native runtime was not built: {error}"
    found = _find_blas()
    if found is not None:
        runtime.set_blas(*found)
    chosen = _instruction_set(runtime.instruction_sets())
    return Library(chosen, runtime.kernels(chosen), runtime.Segment, found is not None)


def native_crc32c() -> Callable[[Any, int], int] | None:
    """The extension's CRC-32C of contiguous bytes; None where there is none."""
    if os.environ.get("HEADRACE_NATIVE") == "0":
        return None
    try:
        return getattr(_runtime(), "crc32c", None)
    except ImportError:
        return None


def native_fingerprints() -> Callable[[Any, Any], bool] | None:
    """The extension's function of an array of byte strings that fills one of their fingerprints; None without it."""
    if os.environ.get("HEADRACE_NATIVE") == "0":
        return None
    try:
        return getattr(_runtime(), "fingerprints", None)
    except ImportError:
        return None


def _runtime() -> Any:
    """The extension module; ImportError where it was not built."""
    folder = os.environ.get("HEADRACE_NATIVE", "1")
    name = f"{__package__}._runtime"
    if folder == "1":
        return importlib.import_module(name)
    path = next(Path(folder).rglob("_runtime*.so"), None)
    spec = None if path is None else importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"HEADRACE_NATIVE: there is no _runtime*.so in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _instruction_set(known: list[str]) -> str:
    wanted = os.environ.get("HEADRACE_CPU", known[-1])
    if wanted not in known:
        raise InvalidArgumentError(
            None, None, f"HEADRACE_CPU names an instruction set that this machine runs, of {known}, not {wanted!r}"
        )
    return wanted


def _find_blas() -> tuple[int, int, int, int, bool] | None:
    # Opening NumPy's own module again makes the libraries that it is linked to searchable.
    core = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    for product, threads, wide in _BLAS:
        names = [product.format("s"), product.format("d"), threads.format("set"), threads.format("get")]
        if all(hasattr(core, name) for name in names):
            single, double, setter, getter = (_address(core, name) for name in names)
            return single, double, setter, getter, wide
    return None


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


def default_threads() -> int:
    """How many threads a step uses unless its session says otherwise.

    OMP_NUM_THREADS if it is set, else the processors that this process may use; where a launcher started several ranks
    on this machine without binding them, this rank's share of those.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if usable < (os.cpu_count() or 1):
        return usable
    return max(1, usable // _ranks_here())


def _ranks_here() -> int:
    found = (os.environ.get(name, "").split("(")[0] for name in _LOCAL_RANKS)
    return next((int(text) for text in found if text.isdigit() and int(text) > 0), 1)
