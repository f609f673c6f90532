"""The queues of TensorFlow 1: first in first out, padding, shuffling, by priority. Safe to use from many threads."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import CancelledError, InvalidArgumentError, OutOfRangeError
from ..inference import show
from ..runtime import Cancellation
from ..shapes import Sizes, are_compatible, is_static
from .waiting import Attempt, Lines

Element = tuple[Any, ...]

_ENQUEUE, _DEQUEUE = 0, 1


class Queue:
    """A queue of tuples of arrays, first in first out.

    Elements of one `enqueue_many` or `dequeue_many` are not mixed with those of others; either may be
    larger than the capacity. Error texts are TensorFlow 1.15's.

    Args:
        name: for messages.
        dtypes: of the components.
        shapes: of the components; empty where they may differ from element to element.
        capacity: how many elements fit; none or less than one: any number.
    """

    kind = "FIFOQueue"

    def __init__(self, name: str, dtypes: Sequence[DType], shapes: Sequence[Sizes], capacity: int = -1) -> None:
        self.name = name
        self.dtypes = list(dtypes)
        self.shapes = list(shapes)
        self.capacity = capacity if capacity > 0 else float("inf")
        self.closed = False
        self._lines = Lines(2)
        self._items: Any = self._new_items()

    # What the kinds of queues differ in

    def _new_items(self) -> Any:
        return deque()

    def _push(self, element: Element) -> None:
        self._items.append(element)

    def _pop(self) -> Element:
        return self._items.popleft()  # type: ignore[no-any-return]

    def _put_back(self, elements: list[Element]) -> None:
        self._items.extendleft(reversed(elements))

    def _available(self) -> int:
        return len(self._items)

    def _stack(self, component: int, arrays: list[Any]) -> Any:
        if not arrays:
            return np.empty((0, *self._static_shape(component)), self.dtypes[component].numpy)
        return np.stack(arrays)

    def _check_batches(self, what: str) -> None:
        if not self.shapes or any(not is_static(s) for s in self.shapes):
            raise InvalidArgumentError(
                None, None, f"{self.kind}'s {what} requires the components to have specified shapes."
            )

    # Reading and writing

    def enqueue(self, components: Sequence[Any], cancellation: Cancellation | None = None) -> None:
        """Appends one element; waits while the queue is full."""
        self._check_element(components, self.shapes)
        self._enqueue([tuple([_owned(c) for c in components])], cancellation)

    def enqueue_many(self, components: Sequence[Any], cancellation: Cancellation | None = None) -> None:
        """Appends one element for each row of the components, which must have equally many."""
        sizes = {np.shape(c)[0] if np.ndim(c) else None for c in components}
        if len(sizes) > 1 or None in sizes:
            shapes = ", ".join(show(np.shape(c)) for c in components)
            raise InvalidArgumentError(
                None, None, f"All input tensors must have the same size in the 0th dimension; got shapes {shapes}"
            )
        self._check_element(components, [None if s is None else (None, *s) for s in self.shapes])
        copies = [_owned(c) for c in components]
        self._enqueue([tuple([c[i, ...] for c in copies]) for i in range(sizes.pop() or 0)], cancellation)

    def _enqueue(self, elements: list[Element], cancellation: Cancellation | None) -> None:
        waiting = deque(elements)

        def advance(attempt: Attempt) -> bool:
            if self.closed:
                raise CancelledError(None, None, f"{self.kind} '{self.name}' is closed.")
            while waiting and len(self._items) < self.capacity:
                self._push(waiting.popleft())
                attempt.progress = True
            return not waiting

        self._lines.run(_ENQUEUE, Attempt("Enqueue", advance), cancellation)

    def dequeue(self, cancellation: Cancellation | None = None) -> list[Any]:
        """Takes one element off; waits while there is none."""
        return list(self._dequeue(1, False, cancellation)[0])

    def dequeue_many(self, number: int, cancellation: Cancellation | None = None) -> list[Any]:
        """Takes `number` elements off, stacked by component; waits until there are so many."""
        return self._dequeue_batch(number, "DequeueMany", False, cancellation)

    def dequeue_up_to(self, number: int, cancellation: Cancellation | None = None) -> list[Any]:
        """As `dequeue_many`, but gives what is left, if anything, once the queue is closed."""
        return self._dequeue_batch(number, "DequeueUpTo", True, cancellation)

    def _dequeue_batch(self, number: int, what: str, fewer: bool, cancellation: Cancellation | None) -> list[Any]:
        self._check_batches(what)
        if number < 0:
            raise InvalidArgumentError(None, None, f"{what} requested {number} < 0 elements")
        elements = self._dequeue(number, fewer, cancellation) if number else []
        return [self._stack(i, [e[i] for e in elements]) for i in range(len(self.dtypes))]

    def _dequeue(self, number: int, fewer: bool, cancellation: Cancellation | None) -> list[Element]:
        taken: list[Element] = []

        def advance(attempt: Attempt) -> bool:
            wanted = number - len(taken)
            if self.closed and self._available() < wanted:
                give_back(attempt)
                if not fewer or not len(self._items):
                    raise self._insufficient(number)
                wanted = len(self._items)
                attempt.progress = True
            for _ in range(min(wanted, self._available())):
                taken.append(self._pop())
                attempt.progress = True
                wanted -= 1
            attempt.result = taken
            return wanted == 0

        def give_back(attempt: Attempt) -> None:
            self._put_back(taken)
            taken.clear()

        elements: list[Element] = self._lines.run(_DEQUEUE, Attempt("Dequeue", advance, give_back), cancellation)
        return elements

    def _insufficient(self, number: int) -> OutOfRangeError:
        text = f"{self.kind} '{self.name}' is closed and has insufficient elements "
        return OutOfRangeError(None, None, text + f"(requested {number}, current size {len(self._items)})")

    # State

    def close(self, cancel_pending_enqueues: bool = False, cancellation: Cancellation | None = None) -> None:
        """Lets no more elements in; those that wait to get in still do, or are cancelled."""
        if cancel_pending_enqueues:
            with self._lines.lock:
                self.closed = True
                self._lines.cancel(self._lines.lines[_ENQUEUE])
            return

        def advance(attempt: Attempt) -> bool:
            if self.closed:
                raise CancelledError(None, None, f"{self.kind} '{self.name}' is already closed.")
            self.closed = True
            return True

        self._lines.run(_ENQUEUE, Attempt("Close", advance), cancellation)

    def size(self) -> int:
        """How many elements there are."""
        with self._lines.lock:
            return len(self._items)

    # Checks

    def _check_element(self, components: Sequence[Any], shapes: Sequence[Sizes]) -> None:
        if len(components) != len(self.dtypes):
            raise InvalidArgumentError(
                None, None, f"Wrong number of components in tuple. Expected {len(self.dtypes)}, got {len(components)}"
            )
        for i, (component, sizes) in enumerate(zip(components, shapes, strict=False)):
            if not are_compatible(np.shape(component), sizes):
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Shape mismatch in tuple component {i}. Expected {show(sizes)}, got {show(np.shape(component))}",
                )

    def _static_shape(self, component: int) -> tuple[int, ...]:
        return tuple(size or 0 for size in self.shapes[component] or ())

    def check_same(self, kind: str, dtypes: Sequence[DType], shapes: Sequence[Sizes], capacity: int) -> None:
        """Raises InvalidArgumentError unless another op may share this queue under its name."""
        mine = (self.kind, self.dtypes, self.shapes, self.capacity)
        theirs = (kind, list(dtypes), list(shapes), capacity if capacity > 0 else float("inf"))
        if mine != theirs:
            raise InvalidArgumentError(
                None, None, f"Shared queue '{self.name}' is {mine}, but the op that shares it asks for {theirs}"
            )


def _owned(value: Any) -> Any:
    return np.array(value, order="C")


class PaddingFIFOQueue(Queue):
    """A first-in first-out queue whose batches are padded with zeros to the largest size in them."""

    kind = "PaddingFIFOQueue"

    def _check_batches(self, what: str) -> None:
        if any(s is None for s in self.shapes):
            super()._check_batches(what)

    def _stack(self, component: int, arrays: list[Any]) -> Any:
        if not arrays:
            return super()._stack(component, arrays)
        dtype = self.dtypes[component].numpy
        sizes = [max(pair) for pair in zip(*(a.shape for a in arrays), strict=True)]
        batch = np.full((len(arrays), *sizes), b"" if dtype.hasobject else 0, dtype)
        for row, array in zip(batch, arrays, strict=True) if sizes else ():
            row[tuple(slice(n) for n in array.shape)] = array
        return batch if sizes else np.stack(arrays)


class RandomShuffleQueue(Queue):
    """A queue that gives its elements in random order, and keeps `min_after_dequeue` back while it is open."""

    kind = "RandomShuffleQueue"

    def __init__(
        self,
        name: str,
        dtypes: Sequence[DType],
        shapes: Sequence[Sizes],
        capacity: int = -1,
        min_after_dequeue: int = 0,
        seeds: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__(name, dtypes, shapes, capacity)
        self.min_after_dequeue = min_after_dequeue
        entropy = [s & 0xFFFFFFFFFFFFFFFF for s in seeds] if any(seeds) else None
        self._random = np.random.Generator(np.random.Philox(entropy))

    def _new_items(self) -> Any:
        return []

    def _pop(self) -> Element:
        items: list[Element] = self._items
        place = int(self._random.integers(len(items)))
        items[place], items[-1] = items[-1], items[place]
        return items.pop()

    def _put_back(self, elements: list[Element]) -> None:
        self._items.extend(elements)

    def _available(self) -> int:
        return max(0, len(self._items) - (0 if self.closed else self.min_after_dequeue))


class PriorityQueue(Queue):
    """A queue that gives the element with the smallest first component (int64) first; equal ones in order."""

    kind = "PriorityQueue"

    def __init__(self, name: str, dtypes: Sequence[DType], shapes: Sequence[Sizes], capacity: int = -1) -> None:
        self._numbers = count()
        super().__init__(name, dtypes, shapes, capacity)

    def _new_items(self) -> Any:
        return []

    def _push(self, element: Element) -> None:
        heapq.heappush(self._items, (int(element[0]), next(self._numbers), element))

    def _pop(self) -> Element:
        return heapq.heappop(self._items)[2]  # type: ignore[no-any-return]

    def _put_back(self, elements: list[Element]) -> None:
        # Their old numbers are lost: among equals they now come last.
        for element in elements:
            self._push(element)


QUEUES: dict[str, Callable[..., Queue]] = {
    q.kind: q for q in (Queue, PaddingFIFOQueue, RandomShuffleQueue, PriorityQueue)
}
