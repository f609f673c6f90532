"""CRC-32C (Castagnoli), plain and masked as in TFRecord files.

The native runtime computes it where it was built, else the crc32c package where that is installed, else NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Buffer: TypeAlias = bytes | bytearray | memoryview

_POLYNOMIAL: Final = 0x82F63B78  # bit-reversed, as the register is shifted to the right
_BLOCK: Final = 1024  # bytes that are looked up for one result: the tables take 1 MiB, a cache's worth
_CHUNK: Final = 256 * _BLOCK  # bytes looked up at a time: bounds the memory for indices
_SHORT: Final = 48  # bytes below which a loop is faster than the calls of NumPy
_MASK_DELTA: Final = 0xA282EAD8
_ALL_ONES: Final = 0xFFFFFFFF


class _Tables(NamedTuple):
    """What a byte at each place of a block adds to the CRC register at the block's end."""

    one_byte: list[int]  # [256]: the register after one byte
    first_four: list[list[int]]  # [4][256]: for the first bytes, where the old register comes in
    flat: npt.NDArray[np.uint32]  # [_BLOCK * 256]: entry 256 * place + byte
    offsets: npt.NDArray[np.intp]  # [_BLOCK]: 256 * place


def crc32c(data: Buffer, value: int = 0) -> int:
    """Returns the CRC-32C of `data`; `value` is the CRC of the bytes before it.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    >>> crc32c(b"6789", crc32c(b"12345")) == crc32c(b"123456789")
    True
    """
    return _checksum()(data, value)


def masked_crc32c(data: Buffer) -> int:
    """Returns the CRC-32C of `data` as it is stored beside it: rotated by 15 bits, plus a constant.

    >>> hex(masked_crc32c(b"123456789"))
    '0xc78ab0e5'
    """
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _ALL_ONES


@cache
def _checksum() -> Callable[[Buffer, int], int]:
    # Most of those who import this module never need a sum.
    from .native.library import native_crc32c

    native = native_crc32c()
    if native is not None:
        return native
    try:
        from crc32c import crc32c as compiled
    except ImportError:
        return crc32c_numpy
    function: Callable[[Buffer, int], int] = compiled
    return function


def crc32c_numpy(data: Buffer, value: int = 0) -> int:
    """Returns the same as `crc32c` by table look-ups in NumPy, some hundred megabytes a second.

    A CRC is linear: the register after a block is the exclusive or of what each byte adds on its
    own, and an old register acts as if it were added to the first four bytes of the block.
    """
    register = value ^ _ALL_ONES
    octets = memoryview(data).cast("B")
    head = len(octets) % _BLOCK
    part = _after_short_part if head < _SHORT else _after_part
    register = part(octets[:head], register)
    for start in range(head, len(octets), _CHUNK):
        register = _after_blocks(octets[start : start + _CHUNK], register)
    return register ^ _ALL_ONES


def _after_short_part(octets: memoryview, register: int) -> int:
    table = _tables().one_byte
    for octet in octets:
        register = table[(register ^ octet) & 0xFF] ^ (register >> 8)
    return register


def _after_part(octets: memoryview, register: int) -> int:
    # Zeros before the first byte change nothing, so that it is the end of a block.
    row = np.frombuffer(octets, np.uint8).astype(np.intp)
    row[:4] ^= np.frombuffer(register.to_bytes(4, "little"), np.uint8)
    row += _tables().offsets[_BLOCK - len(octets) :]
    return int(np.bitwise_xor.reduce(_tables().flat[row]))


def _after_blocks(octets: memoryview, register: int) -> int:
    rows = np.frombuffer(octets, np.uint8).reshape(-1, _BLOCK) + _tables().offsets
    first, second, third, fourth = _tables().first_four
    for added in np.bitwise_xor.reduce(_tables().flat[rows], axis=1).tolist():
        register = (
            added
            ^ first[register & 0xFF]
            ^ second[register >> 8 & 0xFF]
            ^ third[register >> 16 & 0xFF]
            ^ fourth[register >> 24]
        )
    return register


@cache
def _tables() -> _Tables:
    one_byte: npt.NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    one = np.uint32(1)
    for _ in range(8):
        one_byte = (one_byte >> one) ^ (one_byte & one) * np.uint32(_POLYNOMIAL)
    by_place = np.empty((_BLOCK, 256), np.uint32)
    by_place[-1] = one_byte
    for place in range(_BLOCK - 2, -1, -1):
        by_place[place] = (by_place[place + 1] >> 8) ^ one_byte[by_place[place + 1] & 0xFF]
    offsets = np.arange(0, _BLOCK * 256, 256, dtype=np.intp)
    return _Tables(one_byte.tolist(), by_place[:4].tolist(), by_place.reshape(-1), offsets)
