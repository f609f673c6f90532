"""Communication as the engine knows it: a few collective operations among ranks, which another room implements.

Every rank calls the same operations in the same order. A process of its own has no communicator.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
# How elements of all ranks are made one.
MERGES = ("Add", "Mul", "Min", "Max")


class Bucket(Protocol):
    """A sum over ranks of arrays that stay where they are: started, and waited for later."""

    def start(self, scale: float) -> None:
        """Begins to add up the arrays of all ranks, each times its rank's scale; a scale of 0 gives zeros."""

    def wait(self) -> None:
        """Returns when the sums are there."""


class Communicator(Protocol):
    """The ranks that compute together.

    Attributes:
        rank, size: the number of this rank, and how many there are.
        share: how much of a step's examples this rank has, from 0 to 1.
        cards: for each rank a number of its GPU, which no other GPU has; 0 where GPUs cannot add up among themselves.
    """

    rank: int
    size: int
    share: float
    cards: Sequence[int]

    def bucket(self, name: str, inputs: Sequence[Array], outputs: Sequence[Array], wire: str = "") -> Bucket:
        """What adds up `inputs`, contiguous arrays of one dtype, into `outputs`; both are written and read later.

        `wire` names the dtype of what is sent, "float16" or "bfloat16", in place of the arrays' own float32.
        """

    def all_reduce(self, name: str, array: Array, merge: str = "Add") -> Array:
        """The sum (or another of MERGES) of the arrays of all ranks; the same bits everywhere."""

    def all_gather(self, name: str, array: Array) -> list[Array]:
        """The arrays of all ranks, which may differ in their first dimension."""

    def broadcast(self, name: str, array: Array, root: int = 0) -> Array:
        """`array` with the values that it has on the rank `root`, written in place."""

    def barrier(self, name: str) -> None:
        """Returns when all ranks have called it."""

    def agree(self, name: str, arrays: Sequence[str], value: int) -> list[int]:
        """The values of all ranks, once all are about to have their GPUs add up the tensors of these names.

        `arrays` says their dtypes and shapes in words, one for each of the names, which have commas between them. It is
        an error if a rank is about to do something else.
        """

    def at_leaving(self, call: Callable[[], None]) -> None:
        """Has `call` called when this rank takes part no more."""

    def subset(self, ranks: Sequence[int]) -> Communicator | None:
        """The communicator of some ranks, None for those that are not among them; all ranks call it."""

    def set_busy(self, busy: bool) -> None:
        """Tells the others whether this rank does something that may take its time."""


def exchangeable(name: str, array: Array) -> Array:
    """`array` as ranks exchange it: in this machine's byte order.

    Raises:
        TypeError: it is of text or objects, which mean nothing to other processes.
    """
    if array.dtype.hasobject or array.dtype.kind in "SU":
        raise TypeError(f"{name}: ranks exchange arrays of numbers, got one of {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def check_merge(name: str, merge: str) -> None:
    """Raises ValueError where there is no such way to make elements one."""
    if merge not in MERGES:
        raise ValueError(f"{name}: merge must be one of {', '.join(MERGES)}, got {merge!r}")


def check_root(root: int, size: int) -> None:
    """Raises ValueError where `root` is no rank."""
    if not 0 <= root < size:
        raise ValueError(f"root must be one of {size} ranks, got {root}")


def check_subset(chosen: Sequence[int], size: int) -> None:
    """Raises ValueError where a number is there twice or is no rank's, or none is there."""
    if len(set(chosen)) != len(chosen) or not all(0 <= r < size for r in chosen) or not chosen:
        raise ValueError(f"A process set must name some of the ranks 0 to {size - 1} once, got {list(chosen)}")


_lock = threading.Lock()
_makers: list[Callable[[], Communicator | None]] = []
_made: list[Communicator | None] = []
_chosen = threading.local()


def provide(make: Callable[[], Communicator | None]) -> None:
    """Names the function that makes this process's communicator when it is first asked for."""
    _makers[:] = [make]


def current() -> Communicator | None:
    """The communicator of this process, or of this thread inside `using`; None for a process of its own."""
    chosen = getattr(_chosen, "communicators", None)
    if chosen:
        found: Communicator | None = chosen[-1]
        return found
    if not _makers:
        return None
    with _lock:
        if not _made:
            _made.append(_makers[0]())
    return _made[0]


def known() -> Communicator | None:
    """The communicator of this process, if it was asked for before."""
    return _made[0] if _made else None


@contextmanager
def using(communicator: Communicator | None) -> Iterator[None]:
    """Makes a communicator the current one of this thread; None: this thread computes alone."""
    chosen = _chosen.communicators = [*getattr(_chosen, "communicators", ()), communicator]
    try:
        yield
    finally:
        _chosen.communicators = chosen[:-1]


def needed(what: str) -> Communicator:
    """The current communicator, or one of a single rank where there is none."""
    found = current()
    return _ALONE if found is None else found


class _Alone:
    """One rank: everything is there already."""

    rank = 0
    size = 1
    share = 1.0
    cards: Sequence[int] = (0,)

    def bucket(self, name: str, inputs: Sequence[Array], outputs: Sequence[Array], wire: str = "") -> Bucket:
        return _AloneBucket(inputs, outputs)

    def all_reduce(self, name: str, array: Array, merge: str = "Add") -> Array:
        check_merge(name, merge)
        return exchangeable(name, array).copy()

    def all_gather(self, name: str, array: Array) -> list[Array]:
        return [exchangeable(name, array).copy()]

    def broadcast(self, name: str, array: Array, root: int = 0) -> Array:
        check_root(root, 1)
        exchangeable(name, array)
        return array

    def barrier(self, name: str) -> None:
        return

    def agree(self, name: str, arrays: Sequence[str], value: int) -> list[int]:
        return [value]

    def at_leaving(self, call: Callable[[], None]) -> None:
        return

    def subset(self, ranks: Sequence[int]) -> Communicator | None:
        check_subset(ranks, 1)
        return self

    def set_busy(self, busy: bool) -> None:
        return


class _AloneBucket:
    def __init__(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        self._pairs = list(zip(inputs, outputs, strict=True))

    def start(self, scale: float) -> None:
        for array, out in self._pairs:
            if scale == 1:
                np.copyto(out, array)
            elif scale == 0:
                out.fill(0)
            else:
                np.multiply(array, scale, out=out, casting="same_kind")

    def wait(self) -> None:
        return


_ALONE = _Alone()
