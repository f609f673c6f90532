"""Kernels that are called by themselves, outside of steps: blocks of random words."""

from __future__ import annotations

from typing import Any

import numpy as np

from .calls import Call, chunks_of
from .library import default_threads, load
from .segment import Segment

# Fewer blocks take NumPy less time than a segment takes to make.
_LEAST = 256
_COST = 16


def philox_blocks(key: tuple[int, int], counter: tuple[int, int, int, int], out: np.ndarray[Any, Any]) -> bool:
    """Fills `out`, uint32 [blocks, 4] in C order, with blocks from `counter` on; False where NumPy has to do it."""
    library = load()
    if (
        isinstance(library, str)
        or "philox_blocks" not in library.kernels
        or len(out) < _LEAST
        or not out.flags.c_contiguous
    ):
        return False
    size, chunks = chunks_of(len(out), _COST)
    words = (_signed(*key), _signed(*counter[:2]), _signed(*counter[2:]))
    call = Call("philox_blocks", chunks, (len(out), size, *words, out))
    return bool(Segment(library, [call], [0], default_threads(), np.zeros(0, np.uint8)).run() == -1)


def _signed(low: int, high: int) -> int:
    word = low | high << 32
    return word - (1 << 64) if word >> 63 else word
