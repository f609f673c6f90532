"""Sessions that debug the session inside them, as TensorFlow 1.15's tfdbg wrappers: one dumps, one asks in the terminal."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..device_lib import ListedDevice
from ..errors import OutOfRangeError
from ..graph import DEFAULT, Graph, remove_innermost
from ..protos import RunOptions
from .dump_dir import Predicate, dumps_in
from .local import LocalDebugger
from .watch import watch_graph


class WatchOptions:
    """Which tensors of a run are watched, and what is kept of them: what a `watch_fn` returns.

    Args:
        debug_ops: such as `DebugIdentity`, the default.
        node_name_regex_whitelist: for names of operations.
        op_type_regex_whitelist: for their types.
        tensor_dtype_regex_whitelist: for dtypes.
        tolerate_debug_op_creation_failures: accepted.
    """

    def __init__(
        self,
        debug_ops: str | Sequence[str] | None = None,
        node_name_regex_whitelist: str | None = None,
        op_type_regex_whitelist: str | None = None,
        tensor_dtype_regex_whitelist: str | None = None,
        tolerate_debug_op_creation_failures: bool = False,
    ) -> None:
        self.debug_ops = debug_ops or ["DebugIdentity"]
        self.node_name_regex_whitelist = node_name_regex_whitelist
        self.op_type_regex_whitelist = op_type_regex_whitelist
        self.tensor_dtype_regex_whitelist = tensor_dtype_regex_whitelist
        self.tolerate_debug_op_creation_failures = tolerate_debug_op_creation_failures

    def __repr__(self) -> str:
        return f"WatchOptions({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


# From the fetches and the feeds of a run to what is watched.
WatchFunction = Callable[[Any, Any], WatchOptions]


def dump_options(folder: Path, graph: Graph, watch_fn: WatchFunction | None, fetches: Any, feeds: Any) -> Any:
    """RunOptions that dump a run to `folder`."""
    asked = WatchOptions() if watch_fn is None else watch_fn(fetches, feeds)
    if not isinstance(asked, WatchOptions):
        raise TypeError(f"watch_fn must return a WatchOptions, but got {asked!r}")
    options = RunOptions()
    watch_graph(options, graph, debug_urls=folder.absolute().as_uri(), **vars(asked))
    return options


def dump_root_of(session_root: str) -> Path:
    """The folder for the dumps of a session.

    Raises:
        ValueError: it is a file, or a folder that is not empty.
    """
    root = Path(session_root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        text = f"session_root must be a folder that does not exist or is empty: {session_root!r}"
        raise ValueError(f"{text}{_earlier(root)}")
    return root


def _earlier(root: Path) -> str:
    """What to do about dumps that are there."""
    dumps = dumps_in(root)
    if not dumps:
        return ""
    look = f"python -m headrace debug {dumps[-1]}"
    return f". It holds dumps of an earlier session ({look} looks at the last): remove them, or name another folder"


def run_folder(root: Path, number: int) -> Path:
    """The folder of a run: `run_` with the time in microseconds and the run's number."""
    return root / f"run_{time.time_ns() // 1000}_{number}"


class BaseDebugWrapperSession:
    """A session around another, which is a Session or a MonitoredSession.

    Args:
        sess: the session inside.
        thread_name_filter: a regular expression; only runs of threads whose names match are debugged.
        pass_through_operrors: accepted: errors of a run are raised in the end, here always.
    """

    def __init__(
        self, sess: Any, thread_name_filter: str | None = None, pass_through_operrors: bool | None = False
    ) -> None:
        if not hasattr(sess, "run") or not hasattr(sess, "graph"):
            raise TypeError(f"sess must be a tf.Session or a tf.train.MonitoredSession, but got {sess!r}")
        self._sess = sess
        self._threads = re.compile(thread_name_filter) if thread_name_filter else None
        self._run_call_count = 0

    @property
    def session(self) -> Any:
        """The session inside."""
        return self._sess

    @property
    def graph(self) -> Any:
        """The graph."""
        return self._sess.graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef message."""
        return self._sess.graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        """The target."""
        return str(getattr(self._sess, "sess_str", ""))

    @property
    def run_call_count(self) -> int:
        """How many runs there were."""
        return self._run_call_count

    def run(
        self, fetches: Any, feed_dict: dict[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs a step as the session inside does, and debugs it."""
        if self._threads is not None and not self._threads.match(threading.current_thread().name):
            return self._sess.run(fetches, feed_dict, options, run_metadata)
        self._run_call_count += 1
        asked = self.watched_by(fetches, feed_dict or {})
        if asked is not None and options is not None:
            asked.MergeFrom(options)
        try:
            results = self._sess.run(fetches, feed_dict, options if asked is None else asked, run_metadata)
        except Exception as error:
            self.ended(error)
            raise
        self.ended(None)
        return results

    def watched_by(self, fetches: Any, feed_dict: dict[Any, Any]) -> Any:
        """RunOptions that watch the next run; None to let it run unwatched."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is watched")

    def ended(self, error: Exception | None) -> None:
        """Called after each run, with the error that it ended with."""

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function of the fed values that runs `fetches`, debugged as `run`."""
        feeds = list(feed_list or ())

        def call(*values: Any, **keywords: Any) -> Any:
            if len(values) != len(feeds):
                raise TypeError(f"Expected {len(feeds)} fed values, got {len(values)}")
            return self.run(fetches, dict(zip(feeds, values, strict=True)), **(keywords if accept_options else {}))

        return call

    def partial_run_setup(self, fetches: Any, feeds: Sequence[Any] | None = None) -> Any:
        """Runs in parts are not debugged: as in TensorFlow, NotImplementedError."""
        raise NotImplementedError("partial_run_setup is not implemented for debug-wrapper sessions.")

    def partial_run(self, handle: Any, fetches: Any, feed_dict: dict[Any, Any] | None = None) -> Any:
        """Runs in parts are not debugged: as in TensorFlow, NotImplementedError."""
        raise NotImplementedError("partial_run is not implemented for debug-wrapper sessions.")

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """As MonitoredSession's; not debugged."""
        return self._sess.run_step_fn(step_fn)

    def should_stop(self) -> bool:
        """As MonitoredSession's."""
        return bool(self._sess.should_stop())

    def list_devices(self) -> list[ListedDevice]:
        """The devices of the session inside."""
        return list(self._sess.list_devices())

    def explain(self, fetches: Any, feed_dict: dict[Any, Any] | None = None) -> str:
        """The program of a step that is not watched; as Session's."""
        return str(self._sess.explain(fetches, feed_dict))

    def as_default(self) -> Any:
        """A context manager that makes this the session of `Tensor.eval` and `Operation.run`."""
        return _Default(self)

    def close(self) -> None:
        """Closes the session inside."""
        self._sess.close()

    def __enter__(self) -> Self:
        self._sess.__enter__()
        DEFAULT.sessions.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        remove_innermost(DEFAULT.sessions, self)
        return self._sess.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        # What runs steps on the session itself, such as the saver, asks for its state.
        if name.startswith("__") or name == "_sess":
            raise AttributeError(name)
        return getattr(self._sess, name)


class _Default:
    def __init__(self, session: BaseDebugWrapperSession) -> None:
        self.session = session

    def __enter__(self) -> BaseDebugWrapperSession:
        DEFAULT.sessions.append(self.session)
        return self.session

    def __exit__(self, *exc: object) -> None:
        remove_innermost(DEFAULT.sessions, self.session)


class DumpingDebugWrapperSession(BaseDebugWrapperSession):
    """A session that dumps every run to a folder of its own under `session_root`, as TensorFlow 1.15's.

    Read a dump with DebugDumpDir; `python -m headrace debug FOLDER` looks into one.

    Args:
        sess: the session inside.
        session_root: a folder that does not exist yet or is empty.
        watch_fn: says what is watched, by the fetches and feeds of a run: a function that gives WatchOptions. All is
            watched if None.
        thread_name_filter: a regular expression for the names of threads whose runs are dumped.
        pass_through_operrors: accepted; errors are raised.
    """

    def __init__(
        self,
        sess: Any,
        session_root: str,
        watch_fn: WatchFunction | None = None,
        thread_name_filter: str | None = None,
        pass_through_operrors: bool | None = None,
    ) -> None:
        super().__init__(sess, thread_name_filter, pass_through_operrors)
        self._root = dump_root_of(session_root)
        self._watch_fn = watch_fn

    def watched_by(self, fetches: Any, feed_dict: dict[Any, Any]) -> Any:
        """RunOptions that dump the run."""
        folder = run_folder(self._root, self.run_call_count)
        return dump_options(folder, self.graph, self._watch_fn, fetches, feed_dict)


class LocalCLIDebugWrapperSession(BaseDebugWrapperSession):
    """A session that stops before the first run and after watched ones, and takes commands in the terminal.

    As TensorFlow 1.15's; there is one user interface, plain lines, whatever `ui_type` says. An error of a run is raised
    after the stop; the end of the input (OutOfRangeError) is no reason to stop.

    Args:
        sess: the session inside.
        dump_root: an empty or new folder for the dump of the last watched run, which is removed in the end.
        ui_type: accepted: `curses` or `readline`.
        thread_name_filter: a regular expression for the names of threads whose runs are debugged.
        config_file_path: accepted.
        stdin: where commands are read; the terminal if None.
        stdout: where the text goes; the terminal if None.
    """

    def __init__(
        self,
        sess: Any,
        dump_root: str | None = None,
        ui_type: str = "curses",
        thread_name_filter: str | None = None,
        config_file_path: str | bool = False,
        *,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
    ) -> None:
        if ui_type not in ("curses", "readline"):
            raise ValueError(f"ui_type must be 'curses' or 'readline', but got {ui_type!r}")
        super().__init__(sess, thread_name_filter)
        self._debugger = LocalDebugger(dump_root, stdin, stdout)

    def add_tensor_filter(self, filter_name: str, tensor_filter: Predicate) -> None:
        """Adds a filter for `lt -f` and `run -f`: a function of a DebugTensorDatum and an array."""
        self._debugger.add_tensor_filter(filter_name, tensor_filter)

    def watched_by(self, fetches: Any, feed_dict: dict[Any, Any]) -> Any:
        """RunOptions as the last `run` command said; None for a run that is not watched."""
        return self._debugger.before(self._sess, self.graph, fetches, feed_dict)

    def ended(self, error: Exception | None) -> None:
        """Stops where the last `run` command said."""
        if not isinstance(error, OutOfRangeError | StopIteration):
            self._debugger.after(error)

    def close(self) -> None:
        """Removes the dumps and closes the session inside."""
        self._debugger.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._debugger.close()
        return super().__exit__(kind, error, trace)
