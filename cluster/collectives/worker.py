"""The communication thread: performs collective operations one after the other, in the order in which they were given."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable

from ...engine.errors import AbortedError, FailedPreconditionError


class Task:
    """Something to do, whose end can be waited for."""

    __slots__ = ("_do", "done", "error")

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self.done = False
        self.error: BaseException | None = None

    def run(self) -> None:
        """Does it, or notes why not."""
        try:
            self._do()
        except BaseException as error:
            self.error = error


class Worker:
    """A queue of tasks with a thread, which is made when first needed. Who waits for a task helps.

    After a task that failed, or a wait that was interrupted, none is done: the ranks are no longer together. All further
    waits raise the error.

    Attributes:
        at_failure: called with the error, before anybody else hears of it.
    """

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()
        self._running = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._failed: Exception | None = None
        self.at_failure: list[Callable[[Exception], None]] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        # The copy would write where this process does.
        why = "A process that a rank has forked takes no part in collective operations"
        self._failed = FailedPreconditionError(None, None, why)
        self._tasks.clear()
        self._running = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._thread = None

    def submit(self, do: Callable[[], None]) -> Task:
        """Adds a task that the thread will do."""
        task = Task(do)
        self._tasks.append(task)
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="headrace-collectives", daemon=True)
            self._thread.start()
        self._wake.release()
        return task

    def run(self, do: Callable[[], None]) -> None:
        """Does a task in this thread, after those before it."""
        task = Task(do)
        self._tasks.append(task)
        self.wait(task)

    def begin(self) -> bool:
        """Whether nothing is under way; then nothing is begun before `end` is called."""
        if self._failed is not None or not self._running.acquire(blocking=False):
            return False
        if self._tasks:
            self._running.release()
            return False
        return True

    def end(self) -> None:
        """Ends what `begin` began."""
        self._running.release()

    def fail(self, error: BaseException) -> None:
        """Notes that what was begun failed."""
        if self._failed is None:
            why = f"Interrupted by {type(error).__name__} in a collective operation: the ranks are no longer together"
            self._failed = error if isinstance(error, Exception) else AbortedError(None, None, why)
            for call in self.at_failure:
                call(self._failed)

    def wait(self, task: Task) -> None:
        """Returns when a task is done; raises what it raised."""
        try:
            while not task.done:
                with self._running:
                    if not task.done:
                        self._next()
        except BaseException as error:
            # A signal: a task itself raises nothing here.
            self.fail(error)
            raise
        if task.error is not None:
            raise task.error

    def finish(self) -> None:
        """Waits for all tasks."""
        while self._tasks:
            with self._running:
                self._next()
        with self._running:
            return

    def _loop(self) -> None:
        while True:
            self._wake.acquire()
            with self._running:
                self._next()

    def _next(self) -> None:
        try:
            task = self._tasks.popleft()
        except IndexError:
            return
        if self._failed is not None:
            task.error = self._failed
        else:
            task.run()
            if task.error is not None:
                self.fail(task.error)
        task.done = True
