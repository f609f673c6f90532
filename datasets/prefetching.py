"""Elements made ahead by threads: prefetch, and functions mapped in parallel. The order stays what it was."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine.runtime import Cancellation
from .running import Element, Elements

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

AUTOTUNE = -1
# Elements that prefetch(AUTOTUNE) keeps ready.
DEFAULT_READY = 4


class _Ready:
    """Elements that are ready, and how their maker and their taker wait for each other."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.items: deque[tuple[Element | None, BaseException | None]] = deque()
        self.changed = threading.Condition()
        self.stopped = False

    def stop(self) -> None:
        """Ends the maker, and whoever waits for it."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()

    def put(self, element: Element | None, error: BaseException | None) -> bool:
        """Adds an element once there is room; False if nothing is wanted any more."""
        with self.changed:
            self.changed.wait_for(lambda: self.stopped or len(self.items) < self.size)
            self.items.append((element, error))
            self.changed.notify_all()
            return not self.stopped

    def take(self, cancellation: Cancellation) -> tuple[Element | None, BaseException | None]:
        """The next element, or the error in its place; Nones at the end."""
        with self.changed:
            self.changed.wait_for(lambda: self.stopped or self.items)
            if not self.items:
                cancellation.check("Waiting for a dataset's next element")
                return None, None
            item = self.items.popleft()
            self.changed.notify_all()
            return item


def _make_ahead(source: Elements, ready: _Ready) -> None:
    while True:
        error: BaseException | None
        try:
            element, error = next(source, None), None
        except BaseException as failure:
            # Also what ends a program: whoever takes the elements would wait for ever otherwise.
            element, error = None, failure
        if not ready.put(element, error) or (element is None and error is None):
            return


class Prefetched(Elements):
    """Elements that a thread of its own makes ahead, up to `size` of them; it ends with the session."""

    def __init__(self, source: Elements, size: int, cancellation: Cancellation) -> None:
        self.source, self.size, self.cancellation = source, size, cancellation
        self.ready: _Ready | None = None
        self.ended = False

    def __next__(self) -> Element:
        if self.ended:
            raise StopIteration
        element, error = (self.ready or self._start()).take(self.cancellation)
        if error is not None:
            raise error
        if element is None:
            self.ended = True
            raise StopIteration
        return element

    def skip(self, count: int) -> int:
        return self.source.skip(count) if self.ready is None else super().skip(count)

    def _start(self) -> _Ready:
        ready = self.ready = _Ready(self.size)
        self.cancellation.check("Making a dataset's elements ahead")
        self.cancellation.register(ready.stop)
        weakref.finalize(self, _release, self.cancellation, ready).atexit = False
        threading.Thread(target=_make_ahead, args=(self.source, ready), name="headrace-prefetch", daemon=True).start()
        return ready


def _release(cancellation: Cancellation, ready: _Ready) -> None:
    cancellation.unregister(ready.stop)
    ready.stop()


class ParallelMapped(Elements):
    """What a function makes of each element, several of them at once; given in the order of the elements."""

    def __init__(
        self, source: Elements, function: Callable[[Element], Element], calls: int, pure: bool = False
    ) -> None:
        self.source, self.function, self.pure = source, function, pure
        self.calls = calls if calls > 0 else os.cpu_count() or 1
        self.pool: ThreadPoolExecutor | None = None
        self.pending: deque[Future[Any]] = deque()
        self.failure: Exception | None = None
        self.ended = False

    def __next__(self) -> Element:
        self._fill()
        if self.pending:
            return self.pending.popleft().result()  # type: ignore[no-any-return]
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        raise StopIteration

    def skip(self, count: int) -> int:
        return self.source.skip(count) if self.pure and self.pool is None else super().skip(count)

    def _fill(self) -> None:
        if self.pool is None:
            from concurrent.futures import ThreadPoolExecutor  # not needed to import the package

            self.pool = ThreadPoolExecutor(self.calls, "headrace-map")
        while not self.ended and self.failure is None and len(self.pending) < self.calls:
            try:
                element = next(self.source, None)
            except Exception as failure:
                # It comes after the elements before it.
                self.failure = failure
                return
            if element is None:
                self.ended = True
                self.pool.shutdown(wait=False)
            else:
                self.pending.append(self.pool.submit(self.function, element))
