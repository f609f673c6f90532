"""What a running step offers to stateful kernels: resources, cancellation, and calls of functions (branches, bodies)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import CancelledError, DeadlineExceededError
from .recorder import Recorder
from .resources import ResourceStore

if TYPE_CHECKING:
    from .graph import Graph

FunctionCaller = Callable[["Graph", Sequence[Any]], list[Any]]


class Cancellation:
    """A flag that ends waits: blocking kernels register a wake-up and check the flag when woken."""

    def __init__(self) -> None:
        self._wake: set[Callable[[], None]] = set()
        # What the garbage collector finalizes may unregister itself while this thread holds the lock.
        self._lock = threading.RLock()
        self.cancelled = False

    def cancel(self) -> None:
        """Sets the flag and wakes all that wait."""
        with self._lock:
            self.cancelled = True
            wake = list(self._wake)
        for function in wake:
            function()

    def register(self, wake: Callable[[], None]) -> None:
        """Adds a function that `cancel` calls."""
        with self._lock:
            self._wake.add(wake)

    def unregister(self, wake: Callable[[], None]) -> None:
        """Removes a function that `register` added."""
        with self._lock:
            self._wake.discard(wake)

    @property
    def is_over(self) -> bool:
        """Whether `check` would raise."""
        return self.cancelled

    def check(self, what: str) -> None:
        """Raises CancelledError if the flag is set."""
        if self.cancelled:
            raise CancelledError(None, None, f"{what} was cancelled")


class Deadline(Cancellation):
    """The cancellation of one run: that of its session, or its own once the time is over.

    A clock is started only where something waits: a run that does not wait costs no thread.
    """

    def __init__(self, around: Cancellation, seconds: float) -> None:
        super().__init__()
        self.expired = False
        self._end = time.monotonic() + seconds
        self._around = around
        self._clock: threading.Timer | None = None
        around.register(self.cancel)
        self.cancelled = around.cancelled

    def finish(self) -> None:
        """Stops the clock."""
        self._around.unregister(self.cancel)
        if self._clock is not None:
            self._clock.cancel()

    def register(self, wake: Callable[[], None]) -> None:
        """Adds a function that `cancel` and the end of the time call."""
        super().register(wake)
        if self._clock is None:
            self._clock = threading.Timer(max(0.0, self._end - time.monotonic()), self._expire)
            self._clock.daemon = True
            self._clock.start()

    @property
    def is_over(self) -> bool:
        """Whether `check` would raise."""
        return self.cancelled or time.monotonic() > self._end

    def check(self, what: str) -> None:
        """Raises CancelledError if the flag is set or the time is over."""
        if time.monotonic() > self._end:
            self._expire()
        super().check(what)

    def _expire(self) -> None:
        # A session that is closed cancels its runs; they are not late then.
        self.expired = self.expired or not self.cancelled
        self.cancel()


@dataclass
class Runtime:
    """The state that the programs of a session share while they run."""

    resources: ResourceStore
    call: FunctionCaller
    cancellation: Cancellation = field(default_factory=Cancellation)
    # Session-local things such as Python functions of py_func or trace sinks, by name.
    extras: dict[str, Any] = field(default_factory=dict)
    # The GPU on which steps run, if they do.
    device: Any = None
    # What records the runs that are traced, by the thread that runs them.
    recorders: dict[int, Recorder] = field(default_factory=dict)
    _runs: threading.local = field(default_factory=threading.local, repr=False)

    @property
    def run_cancellation(self) -> Cancellation:
        """The cancellation of the run of this thread, which is the session's unless the run has a deadline."""
        found: Cancellation = getattr(self._runs, "cancellation", self.cancellation)
        return found

    @contextmanager
    def cancelled_by(self, cancellation: Cancellation) -> Iterator[None]:
        """Runs in this thread that this cancellation ends, as well as the session's."""
        around = self.run_cancellation
        self._runs.cancellation = cancellation
        around.register(cancellation.cancel)
        if around.cancelled:
            cancellation.cancel()
        try:
            yield
        finally:
            around.unregister(cancellation.cancel)
            self._runs.cancellation = around

    @contextmanager
    def deadline(self, milliseconds: int) -> Iterator[None]:
        """A run in this thread whose waiting ends after some time.

        Raises:
            DeadlineExceededError: it was over; what the run had not done yet is not done.
        """
        around = self.run_cancellation
        self._runs.cancellation = run = Deadline(around, milliseconds / 1000)
        try:
            yield
        except CancelledError as error:
            if not run.expired:
                raise
            text = f"Timed out: the step may take {milliseconds} ms. {error.message}"
            raise DeadlineExceededError(error.node_def, error.op, text) from error
        finally:
            self._runs.cancellation = around
            run.finish()


@dataclass(frozen=True, slots=True)
class KernelContext:
    """The first argument of a stateful kernel: the operation's name and attributes, and the runtime."""

    name: str
    attrs: dict[str, Any]
    runtime: Runtime

    @property
    def resources(self) -> ResourceStore:
        """The variables, queues and tables of the task."""
        return self.runtime.resources

    @property
    def cancellation(self) -> Cancellation:
        """What ends the waiting of this run."""
        return self.runtime.run_cancellation
