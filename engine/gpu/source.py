"""Kernels as text: CUDA C++ that includes nothing, from the files in `kernels/` and a few lines a kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("kernels")
PRELUDE = "prelude.cuh"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function that runs on a device: `extern "C" __global__ void NAME(PARAMETERS) { BODY }`.

    `parameters` are pairs of a C type (a pointer, `long long`, `int`, `float` or `double`) and a name; `body` is mostly one
    call of a template of `files`, which are names in `kernels/`. Kernels of one name have the same text. `threads` is the
    most that a block may have.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    body: str
    files: tuple[str, ...] = ()
    threads: int = 1024
    # Whether threads of a block wait for each other; the simulation runs those that do not as loops.
    synchronizes: bool = False

    @property
    def text(self) -> str:
        """The function."""
        parameters = ", ".join(f"{kind} {name}" for kind, name in self.parameters)
        head = f'extern "C" __global__ void __launch_bounds__({self.threads}) {self.name}({parameters})'
        return f'#line 1 "{self.name}"\n{head} {{ {self.body} }}\n'


@cache
def file_text(name: str) -> str:
    """What a file of `kernels/` says, under its name: compilers count its lines."""
    return f'#line 1 "{name}"\n{(_FOLDER / name).read_text(encoding="utf-8")}'


def unit_text(kernels: Iterable[Kernel]) -> str:
    """One unit to compile: the prelude, the files that the kernels need, each once and in order, and the kernels."""
    kernels = list(kernels)
    files = dict.fromkeys([PRELUDE, *(name for kernel in kernels for name in kernel.files)])
    return "\n".join([*map(file_text, files), *(kernel.text for kernel in kernels)])
