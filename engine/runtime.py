"""What a running step offers to stateful kernels: resources, cancellation, and calls of functions (branches, bodies)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import CancelledError
from .resources import ResourceStore

if TYPE_CHECKING:
    from .graph import Graph

FunctionCaller = Callable[["Graph", Sequence[Any]], list[Any]]


class Cancellation:
    """A flag that ends waits: blocking kernels register a wake-up and check the flag when woken."""

    def __init__(self) -> None:
        self._wake: set[Callable[[], None]] = set()
        self._lock = threading.Lock()
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

    def check(self, what: str) -> None:
        """Raises CancelledError if the flag is set."""
        if self.cancelled:
            raise CancelledError(None, None, f"{what} was cancelled")


@dataclass
class Runtime:
    """The state that the programs of a session share while they run."""

    resources: ResourceStore
    call: FunctionCaller
    cancellation: Cancellation = field(default_factory=Cancellation)
    # Session-local things such as Python functions of py_func or trace sinks, by name.
    extras: dict[str, Any] = field(default_factory=dict)


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
