"""What tasks send each other: a kind, which run of which step it belongs to, words, and arrays as they lie in memory.

    header   kind, client, step, run, level, number of bytes of the description (little-endian, 40 bytes)
    description   JSON: {"tensors": [[id, dtype, shape, bytes], ...], ...}
    arrays   one after the other, each at a multiple of 64 bytes

Descriptions repeat from step to step; they are parsed once. Nothing is pickled.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.dtypes import DType, as_dtype, of_array
from ..engine.errors import DataLossError

_HEADER = struct.Struct("<iiqqiiQ")
ALIGNMENT = 64
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Kind(IntEnum):
    """What a message says."""

    # A task has a server; a task waits in `join`; a task has ended.
    HELLO = 1
    JOINED = 2
    ENDED = 3
    # A client makes a step known, runs it, gives it up, and forgets it.
    DEFINE = 4
    RUN = 5
    ABORT = 6
    FORGET = 7
    # Values between stages; the end of a task's part of a run.
    DATA = 8
    DONE = 9
    FAILED = 10
    # State of a task is dropped by container.
    RESET = 11
    # A task was asked to end its training: all do after their step.
    STOP = 12


@dataclass(slots=True)
class Message:
    """One message. `run` counts a client's runs, `ids` name the values of a step, `info` holds words and numbers."""

    kind: Kind
    client: int = 0
    step: int = 0
    run: int = 0
    level: int = 0
    ids: Sequence[int] = ()
    values: Sequence[Any] = ()
    info: dict[str, Any] = field(default_factory=dict)


def empty(nbytes: int) -> Bytes:
    """Memory that begins at a multiple of 64, so that arrays in it are aligned for kernels."""
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % ALIGNMENT
    return memory[start : start + nbytes]


def encode(message: Message, memory: Callable[[int], Bytes] = empty) -> Bytes:
    """A message as bytes, in one array, for which `memory` gives so many bytes."""
    arrays = [_array(v) for v in message.values]
    parts = [_packed_text(a) if a.dtype.hasobject else np.ascontiguousarray(a) for a in arrays]
    key = tuple((i, of_array(a).name, a.shape, p.nbytes) for i, a, p in zip(message.ids, arrays, parts, strict=True))
    text = _description(key) if not message.info else _dump(key, message.info)
    start = _aligned(_HEADER.size + len(text))
    sizes = [_aligned(p.nbytes) for p in parts]
    buffer = memory(start + sum(sizes))
    header = _HEADER.pack(message.kind, message.client, message.step, message.run, message.level, 0, len(text))
    buffer[: _HEADER.size + len(text)] = np.frombuffer(header + text, np.uint8)
    for part, size in zip(parts, sizes, strict=True):
        buffer[start : start + part.nbytes] = part.reshape(-1).view(np.uint8)
        start += size
    return buffer


def decode(buffer: Bytes) -> Message:
    """A message from its bytes; its arrays are views of them.

    Raises:
        tf.errors.DataLossError: the bytes are no message.
    """
    try:
        kind, client, step, run, level, _, length = _HEADER.unpack_from(buffer)
        end = _HEADER.size + length
        if end > buffer.nbytes:
            raise ValueError(f"a description of {length} bytes in {buffer.nbytes}")
        specs, info = _parse(buffer[_HEADER.size : end].tobytes())
        values = _arrays(buffer, _aligned(end), specs)
        return Message(Kind(kind), client, step, run, level, [s[0] for s in specs], values, info)
    except (struct.error, ValueError, TypeError, KeyError) as error:
        raise DataLossError(None, None, f"A message between tasks cannot be read: {error}") from error


def _array(value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    # Text has no width of its own.
    return array.astype(object) if array.dtype.kind == "S" else array


def _aligned(count: int) -> int:
    return -(-count // ALIGNMENT) * ALIGNMENT


def _dump(key: tuple[Any, ...], info: dict[str, Any]) -> bytes:
    return json.dumps({"tensors": key, **info}).encode()


@lru_cache(maxsize=4096)
def _description(key: tuple[Any, ...]) -> bytes:
    return _dump(key, {})


_Spec = tuple[int, DType, tuple[int, ...], int]


@lru_cache(maxsize=4096)
def _parse(text: bytes) -> tuple[list[_Spec], dict[str, Any]]:
    found = json.loads(text)
    specs = [(i, as_dtype(name), tuple(shape), nbytes) for i, name, shape, nbytes in found.pop("tensors")]
    return specs, found


def _arrays(buffer: Bytes, start: int, specs: Sequence[_Spec]) -> list[Any]:
    values: list[Any] = []
    for _, dtype, shape, nbytes in specs:
        part = buffer[start : start + nbytes]
        if part.nbytes != nbytes:
            raise ValueError(f"an array of {nbytes} bytes, of which {part.nbytes} came")
        values.append(_text(part, shape) if dtype.numpy.hasobject else part.view(dtype.numpy).reshape(shape))
        start += _aligned(nbytes)
    return values


def _packed_text(array: np.ndarray[Any, Any]) -> Bytes:
    """An array of bytes: the lengths of its items, then the items."""
    items = [bytes(item) for item in array.reshape(-1)]
    lengths = np.array([len(item) for item in items], "<u8")
    return np.frombuffer(lengths.tobytes() + b"".join(items), np.uint8)


def _text(part: Bytes, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    count = int(np.prod(shape, dtype=np.int64))
    lengths = np.frombuffer(part[: 8 * count].tobytes(), "<u8")
    ends = 8 * count + np.cumsum(lengths, dtype=np.int64)
    result = np.empty(count, object)
    for i, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        result[i] = part[int(end) - int(length) : int(end)].tobytes()
    return result.reshape(shape)
