"""Philox 4x32-10, the counter-based generator under every random op; bits only, no distributions.

Key and counter are laid out as TensorFlow lays them out, so that equal seeds give equal bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..native.blocks import philox_blocks

Uint32s = NDArray[np.uint32]
Uint64s = NDArray[np.uint64]

ROUNDS = 10
WORD = 0xFFFFFFFF
# The scrambling key of stateless ops: it only has to differ from keys that users choose.
STATELESS_KEY = (0x3EC8F720, 0x02461E29)

_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], dtype=np.uint64)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_SHIFT = np.uint64(32)
_MASK = np.uint64(WORD)
# Two 32 kB rows a buffer: the three buffers of a round stay in a core's own cache.
_CHUNK = 4096


class Stream(NamedTuple):
    """A place in a Philox stream: two key words and four counter words, least significant first.

    >>> Stream((1, 0), (0xFFFFFFFF, 0, 0, 0)).skipped(1).counter
    (0, 1, 0, 0)
    """

    key: tuple[int, int]
    counter: tuple[int, int, int, int]

    def skipped(self, blocks: int) -> Stream:
        """Returns the place `blocks` blocks of 128 bits further on."""
        low, high, third, fourth = self.counter
        total = (low | high << 32 | third << 64 | fourth << 96) + blocks
        return Stream(self.key, (*_words(total), *_words(total >> 64)))


def stream_of_seeds(seed: int, seed2: int) -> Stream:
    """Returns the stream of a stateful op with the attributes `seed` and `seed2`.

    Both are taken modulo 2**64: the first is the key, the second the upper half of the counter.

    >>> stream_of_seeds(87654321, 5)
    Stream(key=(87654321, 0), counter=(0, 0, 5, 0))
    """
    return Stream(_words(seed), (0, 0, *_words(seed2)))


def stream_of_stateless_seed(first: int, second: int) -> Stream:
    """Returns the stream of a stateless op with `seed=[first, second]`, scrambled as in TF 1.15."""
    mixed = philox(STATELESS_KEY, (*_words(first), *_words(second)), 1)[0].tolist()
    return Stream((mixed[0], mixed[1]), (0, 0, mixed[2], mixed[3]))


def philox(
    key: tuple[int, int],
    counter: tuple[int, int, int, int],
    blocks: int,
    out: Uint32s | None = None,
) -> Uint32s:
    """Returns `blocks` consecutive blocks of random words as uint32 `[blocks, 4]`.

    >>> philox((0, 0), (0, 0, 0, 0), 1).tolist()
    [[1713891541, 3781805453, 3159862348, 2600524760]]
    """
    if out is None:
        out = np.empty((blocks, 4), dtype=np.uint32)
    if philox_blocks(key, counter, out):
        return out
    return philox_at(Stream(key, counter), np.arange(blocks, dtype=np.uint64), out)


def philox_at(stream: Stream, offsets: Uint64s, out: Uint32s | None = None) -> Uint32s:
    """Returns the blocks `offsets` blocks after `stream`, as uint32 `[len(offsets), 4]`."""
    if out is None:
        out = np.empty((len(offsets), 4), dtype=np.uint32)
    scratch = np.empty((3, 2, min(len(offsets), _CHUNK)), dtype=np.uint64)
    for start in range(0, len(offsets), _CHUNK):
        some = offsets[start : start + _CHUNK]
        _blocks(stream, some, scratch[:, :, : len(some)], out[start : start + _CHUNK])
    return out


def _words(value: int) -> tuple[int, int]:
    return value & WORD, value >> 32 & WORD


@lru_cache(maxsize=256)
def _keys(key: tuple[int, int]) -> Uint64s:
    raised = [[(word + i * step) & WORD for word, step in zip(key, _WEYL, strict=True)] for i in range(ROUNDS)]
    return np.array(raised, dtype=np.uint64)[:, :, None]


def _blocks(stream: Stream, offsets: Uint64s, scratch: Uint64s, out: Uint32s) -> None:
    even, odd, product = scratch
    _counters(stream.counter, offsets, even, odd)
    for round_key in _keys(stream.key):
        np.multiply(even, _MULTIPLIERS, out=product)
        np.right_shift(product[::-1], _SHIFT, out=even)
        np.bitwise_xor(even, odd, out=even)
        np.bitwise_xor(even, round_key, out=even)
        np.bitwise_and(product[::-1], _MASK, out=odd)
    words = out.T
    words[0::2] = even
    words[1::2] = odd


def _counters(counter: tuple[int, int, int, int], offsets: Uint64s, even: Uint64s, odd: Uint64s) -> None:
    """Splits counter + offsets into words 0 and 2 (even) and 1 and 3 (odd)."""
    low = np.uint64(counter[0] | counter[1] << 32) + offsets
    high = np.uint64(counter[2] | counter[3] << 32) + (low < offsets)
    np.bitwise_and(low, _MASK, out=even[0])
    np.bitwise_and(high, _MASK, out=even[1])
    np.right_shift(low, _SHIFT, out=odd[0])
    np.right_shift(high, _SHIFT, out=odd[1])
