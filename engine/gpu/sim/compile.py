"""Kernels compiled by g++ for the processor: the shim, the kernels' own text, and a launcher a kernel."""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

from ...errors import InternalError, NotFoundError
from ..source import Kernel, unit_text

_FOLDER = Path(__file__).parent
# Most units run for less time than they take to compile: -Og takes half of what -O1 takes, and the runtime has -O1.
# Static variables of templates are shared memory: hidden, so that units of one process never share them.
_FLAGS = (
    "-std=c++17 -Og -fPIC -fvisibility=hidden -fno-gnu-unique -fno-exceptions -fno-rtti -fno-math-errno "
    "-fno-threadsafe-statics -ffp-contract=off -fno-strict-aliasing -fwrapv -Wno-psabi"
).split()
_DYNAMIC_SHARED = re.compile(r"extern\s+__shared__\s+(?:__align__\s*\(\d+\)\s*)?([\w ]+?)\s+(\w+)\s*\[\s*\]\s*;")


class HostCompiler:
    """g++ as a compiler of kernels: gives shared libraries with a function `NAME__launch` a kernel."""

    suffix = ".so"

    def __init__(self, extra: Sequence[str] = ()) -> None:
        chosen = _chosen_flags()
        self.flags = [*_FLAGS, *chosen, *extra]
        # Without start files and libraries that nothing needs, linking takes a third of the time.
        self.libraries = ["-lm"] if chosen else ["-nostdlib", "-Wl,-z,defs", "-lm", "-lc", "-lgcc"]

    @cached_property
    def identity(self) -> str:
        """What compiled units depend on besides the kernels."""
        shim = hashlib.sha256((_shim_text() + _file("runtime.cpp")).encode()).hexdigest()
        return "\n".join(["sim", _version(_program()), *self.flags, shim])

    def compile(self, kernels: Sequence[Kernel]) -> bytes:
        """A library with all these kernels; InternalError with the compiler's words where one is wrong."""
        with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
            result = Path(folder, "unit.so")
            runtime = str(_runtime(tuple(self.flags), os.getpid()))
            command = [
                _program(),
                *self.flags,
                "-shared",
                runtime,
                "-x",
                "c++",
                "-",
                "-o",
                str(result),
                *self.libraries,
            ]
            _compile(command, library_text(kernels), ", ".join(kernel.name for kernel in kernels))
            return result.read_bytes()


def available() -> bool:
    """Whether there is a compiler for the simulation."""
    return shutil.which(_wanted()) is not None


def library_text(kernels: Sequence[Kernel]) -> str:
    """One unit for g++."""
    text = _DYNAMIC_SHARED.sub(r"HR_DYNAMIC_SHARED(\1, \2);", unit_text(kernels))
    return "\n".join([_shim_text(), text, *map(_launcher, kernels)])


def _launcher(kernel: Kernel) -> str:
    arguments = ", ".join(f"hr_given<{kind}>::of(a[{i}], {i})" for i, (kind, _) in enumerate(kernel.parameters))
    fibres = "true" if kernel.synchronizes else "false"
    return (
        f"static void {kernel.name}__thread(const unsigned long long* a) {{ (void)a; {kernel.name}({arguments}); }}\n"
        f"HR_EXPORT int {kernel.name}__launch(const hr_launch* launch) "
        f'{{ return hr_run(launch, "{kernel.name}", {kernel.name}__thread, {fibres}); }}\n'
    )


@cache
def _shim_text() -> str:
    return _file("shim.h") + _file("words.h")


def _file(name: str) -> str:
    return f'#line 1 "{name}"\n{(_FOLDER / name).read_text(encoding="utf-8")}'


@cache
def _runtime(flags: tuple[str, ...], process: int) -> Path:
    """The part of the shim that all units are linked with, compiled once a process."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-"))
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == process else None)
    result = folder / "runtime.o"
    text = _file("shim.h") + _file("runtime.cpp")
    _compile([_program(), *flags, "-O1", "-c", "-x", "c++", "-", "-o", str(result)], text, "its runtime")
    return result


def _compile(command: Sequence[str], text: str, what: str) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InternalError(None, None, f"g++ cannot compile {what}:\n{done.stderr[:4000]}")


def _wanted() -> str:
    return os.environ.get("HEADRACE_SIM_CXX") or "g++"


def _program() -> str:
    path = shutil.which(_wanted())
    if path is None:
        raise NotFoundError(None, None, f"the simulated GPU compiles its kernels with g++: no {_wanted()} is installed")
    return path


@cache
def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        raise InternalError(
            None, None, f"{program} --version fails with {done.returncode}: {done.stderr[:1000].strip()}"
        )
    return f"{program} {done.stdout.splitlines()[0]} {os.uname().machine}"


def _chosen_flags() -> list[str]:
    """What the environment asks for.

    HEADRACE_SIM_SANITIZE=address finds what is read or written out of bounds, HEADRACE_SIM_FIBRES=ucontext takes the
    system's way from one stack to another instead of our own.
    """
    sanitizer = os.environ.get("HEADRACE_SIM_SANITIZE")
    flags = [f"-fsanitize={sanitizer}", "-g"] if sanitizer else []
    return [*flags, "-DHR_UCONTEXT"] if os.environ.get("HEADRACE_SIM_FIBRES") == "ucontext" else flags
