"""QueueRunner: threads that fill a queue, as TensorFlow 1.15's tf.train.QueueRunner."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from ..errors import (
    CancelledError,
    OpError,
    OutOfRangeError,
    error_code_from_exception_type,
    exception_type_from_error_code as type_of_code,
)
from ..graph import Operation, get_default_graph, get_default_session
from ..protos import QueueRunnerDef
from ..runtime import Cancellation
from ..scopes import GraphKeys
from ..session import BaseSession
from .coordinator import Coordinator

_log = logging.getLogger("absl")


class QueueRunner:
    """A list of enqueue operations for a queue, each run by a thread of its own until the input ends.

    Args:
        queue: the queue to fill.
        enqueue_ops: one operation a thread.
        close_op: run when all threads have come to the end of their input; closes the queue if None.
        cancel_op: run when the coordinator stops; cancels what waits to get in if None.
        queue_closed_exception_types: what marks the end of the input; OutOfRangeError if None.
        queue_runner_def: a QueueRunnerDef message in the place of all others.
        import_scope: put before the names in `queue_runner_def`.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Sequence[Any] | None = None,
        close_op: Operation | None = None,
        cancel_op: Operation | None = None,
        queue_closed_exception_types: Sequence[type[OpError]] | None = None,
        queue_runner_def: QueueRunnerDef | None = None,
        import_scope: str | None = None,
    ) -> None:
        if queue_runner_def is not None:
            if queue is not None or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._init_from_proto(queue_runner_def, import_scope)
        else:
            self._init_from_args(queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types)
        self._lock = threading.Lock()
        self._runs_per_session: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[BaseException] = []

    def _init_from_args(
        self,
        queue: Any,
        enqueue_ops: Sequence[Any] | None,
        close_op: Operation | None,
        cancel_op: Operation | None,
        closed_types: Sequence[type[OpError]] | None,
    ) -> None:
        if queue is None or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        types = (OutOfRangeError,) if closed_types is None else tuple(closed_types)
        if not types or not all(issubclass(t, OpError) for t in types):
            raise TypeError("queue_closed_exception_types, when provided, must be a tuple of tf.errors types")
        self._queue = queue
        self._enqueue_ops = list(enqueue_ops)
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        self._closed_types: tuple[type[OpError], ...] = types

    def _init_from_proto(self, proto: QueueRunnerDef, import_scope: str | None) -> None:
        graph = get_default_graph()
        prefix = f"{import_scope}/" if import_scope else ""

        def element(name: str) -> Any:
            return graph.as_graph_element(prefix + name)

        self._queue = element(proto.queue_name)
        self._enqueue_ops = [element(name) for name in proto.enqueue_op_name]
        self._close_op = element(proto.close_op_name)
        self._cancel_op = element(proto.cancel_op_name)
        self._closed_types = tuple(type_of_code(code) for code in proto.queue_closed_exception_types)
        self._closed_types = self._closed_types or (OutOfRangeError,)

    @property
    def queue(self) -> Any:
        """The queue."""
        return self._queue

    @property
    def enqueue_ops(self) -> list[Any]:
        """The operations that the threads run."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and cancels those that wait."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> tuple[type[OpError], ...]:
        """The exceptions that mark the end of the input."""
        return self._closed_types

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """What threads without a coordinator raised."""
        return self._exceptions_raised

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._queue.name  # type: ignore[no-any-return]

    def create_threads(
        self, sess: Any, coord: Coordinator | None = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """Threads that fill the queue in `sess`, and one that cancels them when `coord` stops.

        They end when the session is closed. Nothing is made while earlier threads for the same session still run.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        name, stopped = f"QueueRunnerThread-{self.name}", Cancellation()
        threads = [self._thread(f"{name}-{op.name}", self._run, sess, op, coord, stopped) for op in self._enqueue_ops]
        if coord is not None:
            threads.append(self._thread(f"{name}-close_on_stop", self._cancel, sess, coord, stopped))
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            thread.daemon = daemon
            if start:
                thread.start()
        return threads

    def _thread(self, name: str, target: Any, *args: Any) -> threading.Thread:
        return threading.Thread(name=name, target=target, args=args)

    def _run(self, sess: Any, enqueue_op: Any, coord: Coordinator | None, stopped: Cancellation) -> None:
        try:
            with sess.runtime.cancelled_by(stopped):
                at_end = self._fill(sess, enqueue_op, coord)
        except Exception as error:
            self._ended(sess)
            if not _is_closed(sess):
                self._report(error, coord)
        else:
            if self._ended(sess) == 0 and at_end:
                _run_ignoring_errors(sess, self._close_op)

    def _fill(self, sess: Any, enqueue_op: Any, coord: Coordinator | None) -> bool:
        """Runs until the coordinator stops; True where the input came to its end."""
        enqueue = sess.make_callable(enqueue_op)
        while coord is None or not coord.should_stop():
            try:
                enqueue()
            except self._closed_types:
                return True
            except CancelledError:
                # A queue that is cancelled when all stop is no error.
                if coord is None or not coord.should_stop():
                    raise
        return False

    def _report(self, error: Exception, coord: Coordinator | None) -> None:
        if coord is not None:
            coord.request_stop(error)
            return
        _log.error("Exception in QueueRunner: %s", error)
        with self._lock:
            self._exceptions_raised.append(error)

    def _ended(self, sess: Any) -> int:
        """Counts a thread out; how many are left."""
        with self._lock:
            left = self._runs_per_session.get(sess, 1) - 1
            self._runs_per_session[sess] = left
        return left

    def _cancel(self, sess: Any, coord: Coordinator, stopped: Cancellation) -> None:
        while not coord.wait_for_stop(0.1):
            # Nothing to cancel in a session that is gone: a coordinator that never stops must not hold the thread.
            if _is_closed(sess):
                return
        _run_ignoring_errors(sess, self._cancel_op)
        # What waits for something else than the queue, such as for the gradients of other workers, ends too.
        stopped.cancel()

    def to_proto(self, export_scope: str | None = None) -> QueueRunnerDef | None:
        """The runner as a QueueRunnerDef; None if the queue is outside `export_scope`."""
        prefix = f"{export_scope}/" if export_scope else ""
        if not self._queue.name.startswith(prefix):
            return None
        proto = QueueRunnerDef(
            queue_name=self._queue.name[len(prefix) :],
            enqueue_op_name=[op.name[len(prefix) :] for op in self._enqueue_ops],
            close_op_name=self._close_op.name[len(prefix) :],
            cancel_op_name=self._cancel_op.name[len(prefix) :],
        )
        codes = [error_code_from_exception_type(t) for t in self._closed_types]
        proto.queue_closed_exception_types.extend(codes)  # type: ignore[arg-type]
        return proto

    @staticmethod
    def from_proto(queue_runner_def: QueueRunnerDef, import_scope: str | None = None) -> QueueRunner:
        """The runner that a message describes, in the default graph."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _is_closed(sess: Any) -> bool:
    return bool(getattr(sess, "_closed", False))


def _run_ignoring_errors(sess: Any, op: Any) -> None:
    try:
        sess.run(op)
    except Exception as error:
        _log.debug("Ignored exception: %s", error)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a queue runner to a collection of the default graph, from which `start_queue_runners` starts it."""
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Starts the threads of all queue runners of the session's graph, as TF 1.15's.

    Raises:
        ValueError: `sess` is None and there is no default session.
        TypeError: `sess` is no session.
    """
    sess = get_default_session() if sess is None else sess
    if sess is None:
        raise ValueError(
            "Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an "
            "explicit session to tf.start_queue_runners(sess=sess)"
        )
    if not isinstance(sess, BaseSession):
        sess = getattr(sess, "raw_session", lambda: sess)()
        if not isinstance(sess, BaseSession):
            raise TypeError(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    threads: list[threading.Thread] = []
    for runner in sess.graph.get_collection(collection):
        threads += runner.create_threads(sess, coord=coord, daemon=daemon, start=start)
    return threads
