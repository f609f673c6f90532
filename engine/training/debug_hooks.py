"""The debugger as hooks of monitored sessions and estimators, as TensorFlow 1.15's tfdbg hooks."""

from __future__ import annotations

import re
import threading
from typing import IO, Any

from ..debug.debug_ops import CHECK
from ..debug.dump_dir import Predicate
from ..debug.local import LocalDebugger
from ..debug.watch import EVERY_NODE, EVERY_SLOT, add_debug_tensor_watch
from ..debug.wrappers import WatchFunction, dump_options, dump_root_of, run_folder
from ..protos import RunOptions
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class _DebugHook(SessionRunHook):
    """Runs that threads of other names make are left alone."""

    def __init__(self, thread_name_filter: str | None = None) -> None:
        self._threads = re.compile(thread_name_filter) if thread_name_filter else None
        self._calls = 0

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the run to be watched."""
        if self._threads is not None and not self._threads.match(threading.current_thread().name):
            return None
        self._calls += 1
        options = self.options_of(run_context)
        return None if options is None else SessionRunArgs(None, None, options)

    def options_of(self, run_context: SessionRunContext) -> Any:
        """RunOptions that watch the run, or None."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is watched")


class DumpingDebugHook(_DebugHook):
    """Dumps every step to a folder of its own under `session_root`; arguments as DumpingDebugWrapperSession's.

    Example:
        >>> import headrace as tf
        >>> from headrace import debug as tf_debug
        >>> hook = tf_debug.DumpingDebugHook("dumps", watch_fn=lambda fetches, feeds: tf_debug.WatchOptions(
        ...     node_name_regex_whitelist="loss.*"))
    """

    def __init__(
        self,
        session_root: str,
        watch_fn: WatchFunction | None = None,
        thread_name_filter: str | None = None,
        log_usage: bool = True,
    ) -> None:
        del log_usage
        super().__init__(thread_name_filter)
        self._root = dump_root_of(session_root)
        self._watch_fn = watch_fn

    def options_of(self, run_context: SessionRunContext) -> Any:
        """RunOptions that dump the run."""
        args = run_context.original_args
        folder = run_folder(self._root, self._calls)
        return dump_options(folder, run_context.session.graph, self._watch_fn, args.fetches, args.feed_dict)


class LocalCLIDebugHook(_DebugHook):
    """Stops before the first step and after watched ones, and takes commands in the terminal.

    Arguments as LocalCLIDebugWrapperSession's. A step that raises is not stopped after: hooks are not told. Use the
    wrapper to look into such a step, or `CheckNumericsHook` to have the operation named.
    """

    def __init__(
        self,
        ui_type: str = "curses",
        dump_root: str | None = None,
        thread_name_filter: str | None = None,
        config_file_path: str | None = None,
        *,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
    ) -> None:
        if ui_type not in ("curses", "readline"):
            raise ValueError(f"ui_type must be 'curses' or 'readline', but got {ui_type!r}")
        super().__init__(thread_name_filter)
        self._debugger = LocalDebugger(dump_root, stdin, stdout)
        self._asked = False

    def add_tensor_filter(self, filter_name: str, tensor_filter: Predicate) -> None:
        """Adds a filter for `lt -f` and `run -f`: a function of a DebugTensorDatum and an array."""
        self._debugger.add_tensor_filter(filter_name, tensor_filter)

    def options_of(self, run_context: SessionRunContext) -> Any:
        """RunOptions as the last `run` command said; None for a step that is not watched."""
        args, session = run_context.original_args, run_context.session
        self._asked = True
        return self._debugger.before(session, session.graph, args.fetches, args.feed_dict or {})

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Stops where the last `run` command said."""
        if self._asked:
            self._asked = False
            self._debugger.after()

    def end(self, session: Any) -> None:
        """Removes the dumps."""
        self._debugger.close()


class CheckNumericsHook(_DebugHook):
    """Ends training at the first operation that makes a NaN or an infinity; the error names it with the user's line.

    As `tf.debugging.enable_check_numerics`, for the steps of one monitored session or estimator.
    """

    def options_of(self, run_context: SessionRunContext) -> Any:
        """RunOptions that check the run."""
        options = RunOptions()
        add_debug_tensor_watch(options, EVERY_NODE, EVERY_SLOT, CHECK)
        return options
