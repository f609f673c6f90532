"""Data out of Python pickles without pickle: numbers, text, lists, dicts and arrays of numbers; nothing is ever called.

Only the operation codes that data files such as CIFAR's consist of are known here. Every other one, and every name of
a class or function but the three of NumPy's own array format, is refused.
"""

from __future__ import annotations

import math
import re
import reprlib
import struct
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

# What a hostile file may cost: each operation makes one small object at most.
OPERATIONS = 4_000_000

_NUMBERS = re.compile(rb"[<>|=]?([biuf])([1248])$")
_OBJECTS = re.compile(rb"[<>|=]?O8?$")
_GLOBALS = {
    (module, name): name
    for core in ("numpy.core.multiarray", "numpy._core.multiarray")
    for module, name in ((core, "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"))
}
_MARK = object()


class _Name:
    """One of the names that array pickles use."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Kind:
    """A dtype in the making: None for Python objects."""

    def __init__(self, dtype: np.dtype[Any] | None) -> None:
        self.dtype = dtype


class _Array:
    """An array in the making, and where it was noted."""

    def __init__(self) -> None:
        self.places: list[int] = []


class _Reader:
    def __init__(self, data: bytes, name: str, limit: int) -> None:
        self.data, self.name, self.limit = data, name, limit
        self.place = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The object that the stream describes."""
        for _ in range(self.limit):
            code = self.take(1)[0]
            if code == 0x2E:  # STOP
                return self._result()
            operation = _OPERATIONS.get(code)
            if operation is None:
                self.fail(f"operation code 0x{code:02x} is not one that plain data needs")
            operation(self)
        self.fail(f"more than {self.limit} operations")

    def _result(self) -> Any:
        if len(self.stack) != 1 or isinstance(self.stack[0], _Name | _Kind | _Array) or self.stack[0] is _MARK:
            self.fail("it does not end with one object")
        return self.stack[0]

    def fail(self, why: str) -> NoReturn:
        raise ValueError(f"{self.name}: no plain data pickle, at byte {self.place}: {why}")

    def take(self, count: int) -> bytes:
        """The next bytes of the stream; never more than there are."""
        start, self.place = self.place, self.place + count
        if self.place > len(self.data):
            self.place = start
            self.fail(f"cut off: expected {count} bytes more, got {len(self.data) - start}")
        return self.data[start : self.place]

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def line(self) -> str:
        end = self.data.find(b"\n", self.place, self.place + 200)
        if end < 0:
            self.fail("a name without an end")
        return self.text(self.take(end + 1 - self.place)[:-1])

    def text(self, data: bytes) -> str:
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.fail("text that is not UTF-8")

    def pop(self, kind: type[Any] | tuple[type[Any], ...] = object) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind) or self.stack[-1] is _MARK:
            self.fail("an operation without the operands that it needs")
        return self.stack.pop()

    def marked(self) -> list[Any]:
        """What lies above the last mark."""
        for start in range(len(self.stack) - 1, -1, -1):
            if self.stack[start] is _MARK:
                items = self.stack[start + 1 :]
                del self.stack[start:]
                return items
        self.fail("an operation without its mark")

    def note(self, place: int) -> None:
        value = self.pop()
        self.stack.append(value)
        self.memo[place] = value
        if isinstance(value, _Array):
            value.places.append(place)

    def recall(self, place: int) -> None:
        if place not in self.memo:
            self.fail(f"object {place} was never noted")
        self.stack.append(self.memo[place])

    def appends(self, items: list[Any]) -> None:
        target = self.pop(list)
        self.stack.append(target)
        target.extend(items)

    def sets(self, items: list[Any]) -> None:
        target = self.pop(dict)
        self.stack.append(target)
        if len(items) % 2 or not all(isinstance(key, bytes | str | int) for key in items[::2]):
            self.fail("a dict's keys must be text or whole numbers, each with a value")
        target.update(zip(items[::2], items[1::2], strict=True))

    def named(self, module: Any, name: Any) -> None:
        if (module, name) not in _GLOBALS:
            self.fail(f"it names {module!s:.80}.{name!s:.80}; data needs no classes or functions")
        self.stack.append(_Name(name))

    def named_by_stack(self) -> None:
        name, module = self.pop(str), self.pop(str)
        self.named(module, name)

    def reduce(self) -> None:
        arguments, name = self.pop(tuple), self.pop(_Name).name
        if name == "_reconstruct":
            self.stack.append(_Array())
        elif name == "dtype" and arguments:
            self.stack.append(_Kind(self._dtype(arguments[0])))
        else:
            self.fail(f"numpy.{name} is no function of data")

    def _dtype(self, text: Any) -> np.dtype[Any] | None:
        code = text.encode() if isinstance(text, str) else text
        if isinstance(code, bytes) and _OBJECTS.match(code):
            return None
        if not isinstance(code, bytes) or not _NUMBERS.match(code):
            self.fail(f"arrays of dtype {reprlib.repr(text)} are not plain numbers")
        try:
            return np.dtype(code.decode())
        except TypeError:
            self.fail(f"there is no dtype {reprlib.repr(text)}")

    def build(self) -> None:
        state, target = self.pop(tuple), self.pop((_Kind, _Array))
        if isinstance(target, _Kind):
            order: Any = state[1] if len(state) > 1 else None
            order = order.decode("latin-1") if isinstance(order, bytes) else order
            if order not in ("<", ">", "|", "="):
                self.fail(f"a dtype of byte order {reprlib.repr(order)}")
            if target.dtype is not None:
                target.dtype = target.dtype.newbyteorder(order)
            self.stack.append(target)
            return
        array = self._array(state)
        for place in target.places:
            self.memo[place] = array
        self.stack.append(array)

    def _array(self, state: tuple[Any, ...]) -> Any:
        if len(state) != 5 or not isinstance(state[1], tuple) or not isinstance(state[2], _Kind):
            self.fail("an array without version, shape, dtype, order and data")
        _, shape, kind, by_columns, data = state
        if len(shape) > 32 or not all(isinstance(n, int) and n >= 0 for n in shape):
            self.fail(f"an array of shape {reprlib.repr(shape)}")
        width = 1 if kind.dtype is None else kind.dtype.itemsize
        if not isinstance(data, list if kind.dtype is None else bytes) or len(data) != math.prod(shape) * width:
            self.fail(f"an array of shape {reprlib.repr(shape)} whose data does not fill it")
        if isinstance(data, list) or kind.dtype is None:
            return data
        return np.frombuffer(data, kind.dtype).reshape(shape, order="F" if by_columns else "C")


def _push(make: Callable[[_Reader], Any]) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(make(r))


def _tuple(count: int) -> Callable[[_Reader], None]:
    def operation(r: _Reader) -> None:
        items = [r.pop() for _ in range(count)]
        r.stack.append(tuple(reversed(items)))

    return operation


def _long(r: _Reader) -> int:
    size = r.number("B")
    if size > 8:
        r.fail(f"a whole number of {size} bytes")
    return int.from_bytes(r.take(size), "little", signed=True)


_OPERATIONS: dict[int, Callable[[_Reader], None]] = {
    0x80: lambda r: None if 0 <= r.number("B") <= 5 else r.fail("an unknown protocol"),
    0x95: lambda r: None if 0 <= r.number("<Q") <= len(r.data) - r.place else r.fail("cut off: a frame goes on"),
    ord("("): _push(lambda r: _MARK),
    ord("N"): _push(lambda r: None),
    0x88: _push(lambda r: True),
    0x89: _push(lambda r: False),
    ord("K"): _push(lambda r: r.number("B")),
    ord("M"): _push(lambda r: r.number("<H")),
    ord("J"): _push(lambda r: r.number("<i")),
    0x8A: _push(_long),
    # The strings of Python 2 are bytes.
    ord("U"): _push(lambda r: r.take(r.number("B"))),
    ord("T"): _push(lambda r: r.take(r.number("<I"))),
    ord("C"): _push(lambda r: r.take(r.number("B"))),
    ord("B"): _push(lambda r: r.take(r.number("<I"))),
    0x8E: _push(lambda r: r.take(r.number("<Q"))),
    ord("X"): _push(lambda r: r.text(r.take(r.number("<I")))),
    0x8C: _push(lambda r: r.text(r.take(r.number("B")))),
    ord("]"): _push(lambda r: []),
    ord("}"): _push(lambda r: {}),
    ord(")"): _push(lambda r: ()),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    ord("t"): _push(lambda r: tuple(r.marked())),
    ord("a"): lambda r: r.appends([r.pop()]),
    ord("e"): lambda r: r.appends(r.marked()),
    ord("s"): lambda r: r.sets([r.pop(), r.pop()][::-1]),
    ord("u"): lambda r: r.sets(r.marked()),
    ord("q"): lambda r: r.note(r.number("B")),
    ord("r"): lambda r: r.note(r.number("<I")),
    0x94: lambda r: r.note(len(r.memo)),
    ord("h"): lambda r: r.recall(r.number("B")),
    ord("j"): lambda r: r.recall(r.number("<I")),
    ord("c"): lambda r: r.named(r.line(), r.line()),
    0x93: lambda r: r.named_by_stack(),
    ord("R"): lambda r: r.reduce(),
    ord("b"): lambda r: r.build(),
}


def read_plain_pickle(data: bytes, name: str, limit: int = OPERATIONS) -> Any:
    r"""The data in a pickle of dicts, lists, bytes, text, whole numbers and arrays; arrays of objects come as lists.

    Args:
        data: the file's bytes.
        name: of the file, for messages.
        limit: operations that are carried out at most.

    Raises:
        ValueError: the bytes are cut off or damaged, or hold more than plain data; the message says where.

    Example:
        >>> read_plain_pickle(b"\x80\x02]q\x00(K\x01K\x02e.", "two numbers")
        [1, 2]
    """
    return _Reader(data, name, limit).load()
