"""Hashes of byte strings, many at a time: FarmHash's Fingerprint64, SipHash-2-4, MurmurHash64A.

Strings are laid end to end in one buffer and grouped by the steps that their length takes; each step
is then arithmetic on uint64 arrays. The algorithms are by Geoff Pike (FarmHash), Jean-Philippe
Aumasson and Daniel Bernstein (SipHash) and Austin Appleby (MurmurHash).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .results import result_array

Uint64s = NDArray[np.uint64]
Ints = NDArray[np.int64]
Strings = NDArray[np.object_] | Sequence[bytes]

_FARM0 = np.uint64(0xC3A5C85C97CB3127)
_FARM1 = np.uint64(0xB492B66FBE98F273)
_FARM2 = np.uint64(0x9AE16A3B2F90404F)
_MURMUR = np.uint64(0xC6A4A7935BD1E995)
# The seed of TF's legacy Hash64, and the key of its hashed crosses.
LEGACY_SEED = 0xDECAFCAFFE
_ONE = np.uint64(1)
_SIP_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def fingerprint64(strings: Strings) -> Uint64s:
    """Returns FarmHash's Fingerprint64 of each string, in the shape of the array.

    Args:
        strings: bytes, or str, which is taken as UTF-8.

    Raises:
        TypeError: when an element is neither.

    >>> fingerprint64([b"", b"headrace"]).tolist()
    [11160318154034397263, 5811722617723966799]
    """
    native = _native()
    if native is not None and isinstance(strings, np.ndarray) and strings.dtype == object:
        found = np.empty(strings.shape, np.uint64)
        if not found.size or native(np.ascontiguousarray(strings), found):
            return found
    return fingerprint64_numpy(strings)


@cache
def _native() -> Callable[[Any, Any], bool] | None:
    # Most of those who import this module never hash.
    from ..native.library import native_fingerprints

    return native_fingerprints()


def fingerprint64_numpy(strings: Strings) -> Uint64s:
    """Returns the same as `fingerprint64` by arithmetic on arrays."""
    packed = _pack(strings)
    result = np.empty(len(packed.lengths), np.uint64)
    least = 0
    for most, hashed in _FARM_CLASSES:
        chosen = np.flatnonzero((packed.lengths >= least) & (packed.lengths <= most))
        if len(chosen):
            result[chosen] = hashed(packed.some(chosen))
        least = most + 1
    return result.reshape(packed.shape)


def string_to_hash_bucket_fast(strings: Strings, num_buckets: int, out: Ints | None = None) -> Ints:
    """Returns Fingerprint64 modulo `num_buckets` as int64, TF 1.15's StringToHashBucketFast.

    Raises:
        InvalidArgumentError: when `num_buckets` is not positive.

    >>> string_to_hash_bucket_fast([b"Hello", b"TensorFlow", b"2.x"], 3).tolist()
    [0, 2, 2]
    """
    return _buckets(fingerprint64, strings, num_buckets, out)


def string_to_hash_bucket_strong(
    strings: Strings, num_buckets: int, key: tuple[int, int], out: Ints | None = None
) -> Ints:
    """Returns SipHash under `key`, two 64-bit numbers, modulo `num_buckets` as int64.

    Raises:
        InvalidArgumentError: when `num_buckets` is not positive or the key is not a pair.

    >>> string_to_hash_bucket_strong([b"Hello", b"TF"], 3, (1, 2)).tolist()
    [2, 0]
    """
    if len(key) != 2:
        raise InvalidArgumentError(None, None, f"Key must have 2 elements, got {len(key)}")
    return _buckets(lambda some: sip_hash(some, key), strings, num_buckets, out)


def string_to_hash_bucket(strings: Strings, num_buckets: int, out: Ints | None = None) -> Ints:
    """Returns MurmurHash64A modulo `num_buckets`: the legacy StringToHashBucket of TF 1.15.

    Raises:
        InvalidArgumentError: when `num_buckets` is not positive.
    """
    return _buckets(murmur_hash64, strings, num_buckets, out)


def sip_hash(strings: Strings, key: tuple[int, int]) -> Uint64s:
    """Returns SipHash-2-4 of each string under two 64-bit numbers, as uint64."""
    packed = _pack(strings)
    words = packed.lengths // 8
    order = np.argsort(-words, kind="stable")
    some, words = packed.some(order), words[order]
    state = [np.full(len(order), start ^ key[i % 2] % (1 << 64), np.uint64) for i, start in enumerate(_SIP_START)]
    for active, word in _word_steps(some, words):
        _sip_update([part[:active] for part in state], word)
    last = some.tail() | some.lengths.astype(np.uint64) << np.uint64(56)
    _sip_update(state, last)
    state[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _sip_round(state)
    result = np.empty(len(order), np.uint64)
    result[order] = state[0] ^ state[1] ^ state[2] ^ state[3]
    return result.reshape(packed.shape)


def murmur_hash64(strings: Strings, seed: int = LEGACY_SEED) -> Uint64s:
    """Returns MurmurHash64A of each string: Hash64 of TF 1.15, as uint64."""
    packed = _pack(strings)
    words = packed.lengths // 8
    order = np.argsort(-words, kind="stable")
    some, words = packed.some(order), words[order]
    state = np.uint64(seed) ^ some.lengths.astype(np.uint64) * _MURMUR
    for active, word in _word_steps(some, words):
        mixed = _shift_mix(word * _MURMUR) * _MURMUR
        state[:active] = (state[:active] ^ mixed) * _MURMUR
    ragged = some.lengths % 8 > 0
    state[ragged] = (state ^ some.tail())[ragged] * _MURMUR
    result = np.empty(len(order), np.uint64)
    result[order] = _shift_mix(_shift_mix(state) * _MURMUR)
    return result.reshape(packed.shape)


def fingerprint_cat64(first: Uint64s, second: Uint64s) -> Uint64s:
    """Returns the fingerprint of pairs of fingerprints: FingerprintCat64, by which TF hashes crosses."""
    mixed = first ^ _MURMUR ^ _shift_mix(second * _MURMUR) * _MURMUR
    return _shift_mix(_shift_mix(mixed * _MURMUR) * _MURMUR)


class _Packed(NamedTuple):
    """Strings end to end: the buffer with 8 zeros after it, and where each starts."""

    buffer: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    shape: tuple[int, ...]

    def some(self, chosen: NDArray[np.intp]) -> _Packed:
        return _Packed(self.buffer, self.starts[chosen], self.lengths[chosen], (len(chosen),))

    def word(self, offset: int | NDArray[np.int64]) -> Uint64s:
        """Returns the 8 bytes at an offset of each string as a little-endian number."""
        return self._read("<u8", offset)

    def half_word(self, offset: int | NDArray[np.int64]) -> Uint64s:
        """Returns the 4 bytes at an offset of each string."""
        return self._read("<u4", offset)

    def byte(self, offset: int | NDArray[np.int64]) -> Uint64s:
        """Returns the byte at an offset of each string."""
        return self._read("u1", offset)

    def tail(self) -> Uint64s:
        """Returns what is left after the last whole word of each string, as a number."""
        left = self.lengths % 8
        bits = (left * 8).astype(np.uint64)
        mask = (np.uint64(1) << bits) - np.uint64(1)
        return self.word(self.lengths - left) & mask

    def _read(self, dtype: str, offset: int | NDArray[np.int64]) -> Uint64s:
        # One overlapping view of every byte position: each string reads where it lies.
        size = np.dtype(dtype).itemsize
        every: NDArray[Any] = np.ndarray((len(self.buffer) - size + 1,), dtype, self.buffer, strides=(1,))
        return np.asarray(every[self.starts + offset], dtype=np.uint64)


def _pack(strings: Strings) -> _Packed:
    shape = strings.shape if isinstance(strings, np.ndarray) else (len(strings),)
    flat = strings.reshape(-1).tolist() if isinstance(strings, np.ndarray) else list(strings)
    if not all(isinstance(string, bytes) for string in flat):
        flat = [_as_bytes(string) for string in flat]
    lengths = np.fromiter(map(len, flat), np.int64, len(flat))
    return _Packed(b"".join(flat) + bytes(8), np.cumsum(lengths) - lengths, lengths, shape)


def _as_bytes(string: object) -> bytes:
    if isinstance(string, str):
        return string.encode()
    if isinstance(string, bytes):
        return string
    raise TypeError(f"hash of strings: expected bytes or str, got {type(string).__name__}")


def _buckets(hashed: Callable[[Strings], Uint64s], strings: Strings, num_buckets: int, out: Ints | None) -> Ints:
    if num_buckets < 1:
        raise InvalidArgumentError(None, None, f"num_buckets must be positive, got {num_buckets}")
    buckets = hashed(strings) % np.uint64(num_buckets)
    result = result_array(buckets.shape, np.dtype(np.int64), out)
    result[...] = buckets
    return result


def _word_steps(some: _Packed, words: NDArray[np.int64]) -> Iterator[tuple[int, Uint64s]]:
    """Yields word after word of the strings that still have one; those with most come first."""
    for number in range(int(words[0]) if len(words) else 0):
        active = int(np.searchsorted(-words, -number, side="left"))
        front = some.some(np.arange(active))
        yield active, front.word(8 * number)


def _rotate(x: Uint64s, right: int) -> Uint64s:
    return x >> np.uint64(right) | x << np.uint64(64 - right)


def _shift_mix(x: Uint64s) -> Uint64s:
    return x ^ x >> np.uint64(47)


def _sip_update(state: list[Uint64s], word: Uint64s) -> None:
    state[3] ^= word
    for _ in range(2):
        _sip_round(state)
    state[0] ^= word


def _sip_round(state: list[Uint64s]) -> None:
    """Mixes the four words in place."""
    a, b, c, d = state
    a += b
    b[:] = _rotate(b, 64 - 13) ^ a
    a[:] = _rotate(a, 32)
    c += d
    d[:] = _rotate(d, 64 - 16) ^ c
    a += d
    d[:] = _rotate(d, 64 - 21) ^ a
    c += b
    b[:] = _rotate(b, 64 - 17) ^ c
    c[:] = _rotate(c, 32)


def _farm_mix(u: Uint64s, v: Uint64s, factor: Uint64s) -> Uint64s:
    a = _shift_mix((u ^ v) * factor)
    return _shift_mix((v ^ a) * factor) * factor


def _factor(some: _Packed) -> Uint64s:
    return _FARM2 + some.lengths.astype(np.uint64) * np.uint64(2)


def _farm_empty(some: _Packed) -> Uint64s:
    return np.full(len(some.lengths), _FARM2)


def _farm_to_3(some: _Packed) -> Uint64s:
    y = some.byte(0) + (some.byte(some.lengths >> 1) << np.uint64(8))
    z = some.lengths.astype(np.uint64) + (some.byte(some.lengths - 1) << np.uint64(2))
    return _shift_mix(y * _FARM2 ^ z * _FARM0) * _FARM2


def _farm_to_7(some: _Packed) -> Uint64s:
    first = some.lengths.astype(np.uint64) + (some.half_word(0) << np.uint64(3))
    return _farm_mix(first, some.half_word(some.lengths - 4), _factor(some))


def _farm_to_16(some: _Packed) -> Uint64s:
    factor = _factor(some)
    a = some.word(0) + _FARM2
    b = some.word(some.lengths - 8)
    c = _rotate(b, 37) * factor + a
    d = (_rotate(a, 25) + b) * factor
    return _farm_mix(c, d, factor)


def _farm_ends(some: _Packed, first: np.uint64) -> tuple[Uint64s, Uint64s, Uint64s, Uint64s]:
    """Mixes the first and the last 16 bytes: two sums, and the two words that they began with."""
    a = some.word(0) * first
    b = some.word(8)
    c = some.word(some.lengths - 8) * _factor(some)
    d = some.word(some.lengths - 16) * _FARM2
    one = _rotate(a + b, 43) + _rotate(c, 30) + d
    return one, a + _rotate(b + _FARM2, 18) + c, a, b


def _farm_to_32(some: _Packed) -> Uint64s:
    one, other, _, _ = _farm_ends(some, _FARM1)
    return _farm_mix(one, other, _factor(some))


def _farm_to_64(some: _Packed) -> Uint64s:
    factor = _factor(some)
    y, other, a, _ = _farm_ends(some, _FARM2)
    z = _farm_mix(y, other, factor)
    e = some.word(16) * factor
    f = some.word(24)
    g = (y + some.word(some.lengths - 32)) * factor
    h = (z + some.word(some.lengths - 24)) * factor
    return _farm_mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, factor)


def _farm_long(some: _Packed) -> Uint64s:
    blocks = (some.lengths - 1) // 64
    order = np.argsort(-blocks, kind="stable")
    some, blocks = some.some(order), blocks[order]
    state = _farm_start(some)
    for number in range(int(blocks[0])):
        active = int(np.searchsorted(-blocks, -number, side="left"))
        front = some.some(np.arange(active))
        state[:, :active] = _farm_block(front, 64 * number, state[:, :active], _FARM1, _ONE)
    result = np.empty(len(order), np.uint64)
    result[order] = _farm_finish(some, state)
    return result


def _farm_start(some: _Packed) -> Uint64s:
    """Returns what is carried from block to block, seven words a string: x, y, z, v, v, w, w."""
    state = np.zeros((7, len(some.lengths)), np.uint64)
    state[0] = some.word(0) + np.uint64(81 * int(_FARM2) % (1 << 64))
    state[1] = (81 * int(_FARM1) + 113) % (1 << 64)
    state[2] = _shift_mix(state[1] * _FARM2 + np.uint64(113)) * _FARM2
    return state


def _farm_block(
    some: _Packed,
    offset: int | NDArray[np.int64],
    state: Uint64s,
    factor: np.uint64 | Uint64s,
    weight: np.uint64,
) -> Uint64s:
    """Mixes in the 64 bytes at an offset; the last block has a factor and a weight of its own."""
    word = [some.word(offset + 8 * i) for i in range(8)]
    x, y, z, v0, v1, w0, w1 = state
    x = _rotate(x + y + v0 + word[1], 37) * factor ^ w1 * weight
    y = _rotate(y + v1 + word[6], 42) * factor + v0 * weight + word[5]
    z = _rotate(z + w0, 33) * factor
    v0, v1 = _farm_weak(word[:4], v1 * factor, x + w0)
    w0, w1 = _farm_weak(word[4:], z + w1, y + word[2])
    return np.stack([z, y, x, v0, v1, w0, w1])


def _farm_weak(word: list[Uint64s], a: Uint64s, b: Uint64s) -> tuple[Uint64s, Uint64s]:
    a = a + word[0]
    b = _rotate(b + a + word[3], 21)
    total = a + word[1] + word[2]
    return total + word[3], b + _rotate(total, 44) + a


def _farm_finish(some: _Packed, state: Uint64s) -> Uint64s:
    factor = _FARM1 + ((state[2] & np.uint64(0xFF)) << _ONE)
    state[5] += ((some.lengths - 1) & 63).astype(np.uint64)
    state[3] += state[5]
    state[5] += state[3]
    x, y, z, v0, v1, w0, w1 = _farm_block(some, some.lengths - 64, state, factor, np.uint64(9))
    one = _farm_mix(v0, w0, factor) + _shift_mix(y) * _FARM0 + z
    return _farm_mix(one, _farm_mix(v1, w1, factor) + x, factor)


_FARM_CLASSES: tuple[tuple[int, Callable[[_Packed], Uint64s]], ...] = (
    (0, _farm_empty),
    (3, _farm_to_3),
    (7, _farm_to_7),
    (16, _farm_to_16),
    (32, _farm_to_32),
    (64, _farm_to_64),
    (1 << 62, _farm_long),
)
