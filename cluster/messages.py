"""What tasks send each other: a kind, which run of which step it belongs to, words, and arrays as they lie in memory.

    header   kind, client, step, run, level, number of bytes of the description (little-endian, 40 bytes)
    description   JSON: {"tensors": [[id, dtype, shape, bytes], ...], ...}
    arrays   one after the other, each at a multiple of 64 bytes

Descriptions repeat from step to step; they are parsed once. Nothing is pickled.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.dtypes import as_dtype, of_array
from ..engine.errors import DataLossError

_HEADER = struct.Struct("<iiqqiiQ")
ALIGNMENT = 64
# Kinds of NumPy's dtypes whose arrays go as they lie in memory.
_PLAIN = frozenset("biufcV")
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
    arrays = [v if type(v) is np.ndarray else np.asarray(v) for v in message.values]
    kinds: list[_Kind] = [(a.dtype, a.shape) for a in arrays]
    if not all([a.dtype.kind in _PLAIN for a in arrays]):
        arrays, kinds = _packed(arrays)
    layout = _layout(tuple(message.ids), tuple(kinds))
    text = layout.text if not message.info else _dump(layout.tensors, message.info)
    start = _aligned(_HEADER.size + len(text))
    buffer = memory(start + layout.nbytes)
    header = _HEADER.pack(message.kind, message.client, message.step, message.run, message.level, 0, len(text))
    buffer[: _HEADER.size + len(text)] = np.frombuffer(header + text, np.uint8)
    for array, (dtype, shape, offset) in zip(arrays, layout.places, strict=True):
        np.copyto(np.ndarray(shape, dtype, buffer, start + offset), array)
    return buffer


def decode(buffer: Bytes) -> Message:
    """A message from its bytes; its arrays are views of them.

    Raises:
        tf.errors.DataLossError: the bytes are no message.
    """
    try:
        kind, client, step, run, level, _, length = _HEADER.unpack_from(buffer.data)
        end = _HEADER.size + length
        if end > buffer.nbytes:
            raise ValueError(f"a description of {length} bytes in {buffer.nbytes}")
        ids, specs, info = _parse(buffer[_HEADER.size : end].tobytes())
        values, start = [], _aligned(end)
        for dtype, shape, offset, nbytes in specs:
            value = np.ndarray(shape if nbytes is None else nbytes, dtype, buffer, start + offset)
            values.append(value if nbytes is None else _text(value, shape))
        return Message(Kind(kind), client, step, run, level, ids, values, info)
    except (struct.error, ValueError, TypeError, KeyError) as error:
        raise DataLossError(None, None, f"A message between tasks cannot be read: {error}") from error


def _aligned(count: int) -> int:
    return -(-count // ALIGNMENT) * ALIGNMENT


def _dump(tensors: tuple[Any, ...], info: dict[str, Any]) -> bytes:
    return json.dumps({"tensors": tensors, **info}).encode()


@dataclass(frozen=True)
class _Layout:
    """Where arrays lie: a description of them, for each its dtype, shape and place, and how many bytes they take."""

    tensors: tuple[Any, ...]
    text: bytes
    places: list[tuple[np.dtype[Any], tuple[int, ...], int]]
    nbytes: int


# The dtype and shape of an array; of text the shape, and the number of bytes of its packed form.
_Kind = tuple[np.dtype[Any], tuple[int, ...]] | tuple[np.dtype[Any], tuple[int, ...], int]


@lru_cache(maxsize=4096)
def _layout(ids: tuple[int, ...], kinds: tuple[_Kind, ...]) -> _Layout:
    tensors, places, end = [], [], 0
    for i, (dtype, shape, *packed) in zip(ids, kinds, strict=True):
        kind = of_array(np.empty(0, dtype))
        nbytes = packed[0] if packed else math.prod(shape) * kind.numpy.itemsize
        tensors.append((i, kind.name, shape, nbytes))
        places.append((np.dtype(np.uint8), (nbytes,), end) if packed else (kind.numpy, shape, end))
        end += _aligned(nbytes)
    return _Layout(tuple(tensors), _dump(tuple(tensors), {}), places, end)


def _packed(arrays: list[np.ndarray[Any, Any]]) -> tuple[list[np.ndarray[Any, Any]], list[_Kind]]:
    """Arrays with text in packed form, and what they were."""
    found: list[np.ndarray[Any, Any]] = []
    kinds: list[_Kind] = []
    for array in arrays:
        # Text has no width of its own.
        array = array.astype(object) if array.dtype.kind == "S" else array
        found.append(_packed_text(array) if array.dtype.hasobject else array)
        kinds.append(
            (array.dtype, array.shape, found[-1].nbytes) if array.dtype.hasobject else (array.dtype, array.shape)
        )
    return found, kinds


_Spec = tuple[np.dtype[Any], tuple[int, ...], int, int | None]


@lru_cache(maxsize=4096)
def _parse(text: bytes) -> tuple[tuple[int, ...], list[_Spec], dict[str, Any]]:
    """The numbers of arrays; their dtypes, shapes, places and, of packed text, numbers of bytes; and what else is said."""
    found = json.loads(text)
    tensors, specs, end = found.pop("tensors"), [], 0
    for _, name, shape, nbytes in tensors:
        dtype = as_dtype(name).numpy
        is_text = dtype.hasobject
        if not is_text and nbytes != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name}{shape} has not {nbytes} bytes")
        specs.append((np.dtype(np.uint8) if is_text else dtype, tuple(shape), end, nbytes if is_text else None))
        end += _aligned(nbytes)
    return tuple(t[0] for t in tensors), specs, found


def _packed_text(array: np.ndarray[Any, Any]) -> Bytes:
    """An array of bytes: the lengths of its items, then the items."""
    items = [bytes(item) for item in array.reshape(-1)]
    lengths = np.array([len(item) for item in items], "<u8")
    return np.frombuffer(lengths.tobytes() + b"".join(items), np.uint8)


def _text(part: Bytes, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    count = math.prod(shape)
    lengths = np.frombuffer(part[: 8 * count].tobytes(), "<u8")
    ends = 8 * count + np.cumsum(lengths, dtype=np.int64)
    result = np.empty(count, object)
    for i, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        result[i] = part[int(end) - int(length) : int(end)].tobytes()
    return result.reshape(shape)
