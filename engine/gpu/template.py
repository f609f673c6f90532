"""Kernels that are one call of a template of a .cuh file, by the template's name and the dtypes it is for."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .source import Kernel
from .text import stored

# What stands for the dtypes in the texts of parameters.
_LETTERS = "TUV"


@cache
def template(
    name: str,
    file: str,
    parameters: str,
    *types: np.dtype[Any] | str,
    synchronizes: bool = False,
    threads: int = 256,
    files: tuple[str, ...] = (),
) -> Kernel:
    """The kernel that calls `name` of `file`, for blocks of up to `threads` threads; `files` come before that one.

    In `parameters`, such as `"const T* x, long long n"`, the letters T, U and V stand for the first dtypes. Other `types` are
    C++ words, such as `true` or `plus`.
    """
    words = [t if isinstance(t, str) else stored(t) for t in types]
    pairs = [tuple(part.strip().rsplit(" ", 1)) for part in parameters.split(",")]
    named = tuple((" ".join(_word(w, words) for w in kind.split(" ")), name) for kind, name in pairs)
    arguments = ", ".join(name for _, name in named)
    full = "_".join([name, *(t if isinstance(t, str) else t.name for t in types or ["kernel"])])
    body = f"{name}<{', '.join(words)}>({arguments});" if words else f"{name}({arguments});"
    return Kernel(full, named, body, (*files, file), threads, synchronizes)


def _word(word: str, types: list[str]) -> str:
    bare = word.rstrip("*")
    return types[_LETTERS.index(bare)] + word[len(bare) :] if bare and bare in _LETTERS else word
