"""Coordinator: threads that stop together, and the first exception among them, as TensorFlow 1.15's tf.train."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeAlias

from ..errors import OutOfRangeError

ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

# The logger of tf.logging.
_log = logging.getLogger("absl")
_POLL_SECONDS = 0.02


class Coordinator:
    """Stops a set of threads when one of them asks for it, and raises in `join` what stopped them.

    Args:
        clean_stop_exception_types: exceptions that end the threads without being an error; OutOfRangeError if None.

    Example:
        >>> import headrace as tf
        >>> coord = tf.train.Coordinator()
        >>> with coord.stop_on_exception():
        ...     coord.request_stop()
        >>> coord.should_stop()
        True
    """

    def __init__(self, clean_stop_exception_types: Sequence[type[BaseException]] | None = None) -> None:
        types = (OutOfRangeError,) if clean_stop_exception_types is None else clean_stop_exception_types
        self._clean_stop_types = tuple(types)
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._error: BaseException | None = None
        self._registered: set[threading.Thread] = set()
        self._joined = False

    def request_stop(self, ex: BaseException | ExceptionInfo | None = None) -> None:
        """Asks all threads to stop; the first exception given is raised again by `join`.

        Args:
            ex: an exception or what sys.exc_info() returns. After `join` it is raised right here.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        if isinstance(error, self._clean_stop_types):
            error = None
        with self._lock:
            if self._joined:
                if error is not None:
                    raise error
            elif not self._stop_event.is_set():
                if error is not None:
                    _log.info("Error reported to Coordinator: %s, %s", type(error), error)
                self._error = error
                self._stop_event.set()
            elif error is not None:
                _log.debug("Another error reported to a Coordinator that stops: %s", error)

    def clear_stop(self) -> None:
        """Makes the coordinator ready for another round of threads."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop_event.clear()

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self._stop_event.is_set()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A context that hands exceptions raised inside to `request_stop`."""
        try:
            yield
        except Exception as error:
            self.request_stop(error)

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Returns once a stop was requested, or False when `timeout` seconds are over."""
        return self._stop_event.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread that `join` waits for."""
        with self._lock:
            self._registered.add(thread)

    @property
    def joined(self) -> bool:
        """Whether `join` has returned."""
        return self._joined

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until the threads have ended; once a stop is requested, for the grace period at most.

        Args:
            threads: those to wait for besides the registered ones.
            stop_grace_period_secs: how long threads may go on after a stop was requested.
            ignore_live_threads: log threads that go on even then instead of raising.

        Raises:
            RuntimeError: threads are still alive after the grace period.
            Exception: what was given to `request_stop`.
        """
        with self._lock:
            waited_for = self._registered | set(threads or ())
        while (alive := _alive(waited_for)) and not self.should_stop():
            alive[0].join(_POLL_SECONDS)
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in _alive(waited_for):
            thread.join(max(0.0, deadline - time.monotonic()))
        stragglers = [t.name for t in _alive(waited_for)]
        with self._lock:
            self._joined = True
            self._registered = set()
            if self._error is not None:
                raise self._error
        if stragglers:
            text = f"Coordinator stopped with threads still running: {' '.join(stragglers)}"
            if not ignore_live_threads:
                raise RuntimeError(text)
            _log.info(text)

    def raise_requested_exception(self) -> None:
        """Raises what was given to `request_stop`, if anything was."""
        with self._lock:
            if self._error is not None:
                raise self._error


def _alive(threads: Iterable[threading.Thread]) -> list[threading.Thread]:
    return [t for t in threads if t.is_alive()]


class LooperThread(threading.Thread):
    """A thread that runs code again and again until its coordinator stops, as tf.train.LooperThread of TF 1.15.

    Args:
        coord: exceptions go to its `request_stop`.
        timer_interval_secs: seconds from one start of `target` to the next; None: no pause.
        target: what to run; `run_loop` of a subclass if None.
        args: arguments of `target`.
        kwargs: keyword arguments of `target`.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord = coord
        self._interval = timer_interval_secs
        self._call = (target, tuple(args or ()), dict(kwargs or {}))
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> LooperThread:
        """A started thread that calls `target` every `timer_interval_secs`."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """The loop."""
        with self._coord.stop_on_exception():
            self.start_loop()
            next_time = time.monotonic()
            pause = 0.0
            while not self._coord.wait_for_stop(pause):
                self.run_loop()
                if self._interval is not None:
                    next_time += self._interval
                    pause = max(0.0, next_time - time.monotonic())
            self.stop_loop()

    def start_loop(self) -> None:
        """Called once before the first round."""

    def stop_loop(self) -> None:
        """Called once after the last round."""

    def run_loop(self) -> None:
        """One round: calls `target`."""
        target, args, kwargs = self._call
        if target is not None:
            target(*args, **kwargs)
