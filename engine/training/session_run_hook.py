"""SessionRunHook: what a monitored session calls around its steps, as TensorFlow 1.15's tf.train."""

from __future__ import annotations

from typing import Any, NamedTuple


class SessionRunArgs(NamedTuple):
    """What a hook adds to a step: fetches in any structure, feeds, and RunOptions."""

    fetches: Any
    feed_dict: dict[Any, Any] | None = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What a hook gets of a step: the values of its fetches, the RunOptions and the RunMetadata."""

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """A step as its hooks see it: the caller's arguments, the session, and a way to stop the loop.

    Args:
        original_args: what `run` was called with.
        session: the session in which the step runs.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What `run` was called with."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session in which the step runs."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook asked for the end of the loop."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Makes `should_stop` of the monitored session true."""
        self._stop_requested = True


class SessionRunHook:
    """The base of hooks: does nothing at all of its occasions."""

    def begin(self) -> None:
        """Called once before the session is made; the graph may still be changed."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when a session was made, also after it was lost; the graph is final."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each step; what it returns runs with the step."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each step that raised nothing, with the values of what `before_run` asked for."""

    def end(self, session: Any) -> None:
        """Called once at the end, in a session that is still open; not after an error other than OutOfRangeError."""
