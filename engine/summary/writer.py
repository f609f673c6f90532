"""FileWriter: summaries, graphs, traces and session logs for TensorBoard."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, Self, TypeAlias, runtime_checkable

from google.protobuf.message import DecodeError

from ..protos import AttrValue, Event, GraphDef, NodeDef, SessionLog, Status, Summary, TaggedRunMetadata
from .events import Directory, EventFileWriter, Message
from .plugins import START_TAG, session_end_pb, session_start_pb

LARGEST_CONSTANT: Final = 1024  # bytes; TensorBoard does not show more either


@runtime_checkable
class GraphLike(Protocol):
    """A graph of headrace, or any other that can describe itself."""

    def as_graph_def(self, *, add_shapes: bool = ...) -> Any:
        """Returns the graph as a GraphDef."""


AnyGraph: TypeAlias = GraphLike | GraphDef | Message


class FileWriter:
    """Writes what TensorBoard shows, as tf.summary.FileWriter of TF 1.15; a context manager.

    What is added to a closed writer is dropped with a warning. `flush` returns when all is on the
    disk; `EventFileWriter` says when events get there without it.

    Args:
        logdir: the directory of a run.
        graph: a Graph or GraphDef to add right away.
        max_queue: how many events may wait to be written.
        flush_secs: how many seconds they may wait.
        graph_def: the older name of `graph`.
        filename_suffix: put at the end of the file's name.
        purge_step: says that events of earlier files from this step on are void.
    """

    def __init__(
        self,
        logdir: Directory,
        graph: AnyGraph | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: AnyGraph | None = None,
        filename_suffix: str | None = None,
        purge_step: int | None = None,
    ) -> None:
        self.event_writer = EventFileWriter(logdir, max_queue, flush_secs, filename_suffix, purge_step)
        self._tags_with_metadata: set[str] = set()
        self._run_tags: set[str] = set()
        self._has_hparams = False
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def get_logdir(self) -> str:
        """Returns the directory."""
        return self.event_writer.get_logdir()

    def add_summary(self, summary: bytes | Message, global_step: int | None = None) -> None:
        """Adds a summary: what a run of a summary op returned, or a Summary message."""
        parsed = _parsed(summary)
        for value in parsed.value:
            # TensorBoard reads the metadata of a tag's first value only.
            if value.tag in self._tags_with_metadata:
                value.ClearField("metadata")
            elif value.HasField("metadata"):
                self._tags_with_metadata.add(value.tag)
        self._add(Event(summary=parsed), global_step)

    def add_event(self, event: Message) -> None:
        """Adds an Event as it is."""
        self._write(event)

    def add_graph(
        self,
        graph: AnyGraph | None = None,
        global_step: int | None = None,
        graph_def: AnyGraph | None = None,
    ) -> None:
        """Adds a Graph or GraphDef, without the values of constants of more than 1 KB.

        Raises:
            ValueError: neither or both of `graph` and `graph_def`.
            TypeError: another object.
        """
        if (graph is None) == (graph_def is None):
            raise ValueError("expected one of graph and graph_def")
        proto = graph_def_of(graph if graph is not None else graph_def)
        self._add(Event(graph_def=without_large_constants(proto).SerializeToString()), global_step)

    def add_meta_graph(self, meta_graph_def: Message, global_step: int | None = None) -> None:
        """Adds a MetaGraphDef."""
        self._add(Event(meta_graph_def=_serialized(meta_graph_def)), global_step)

    def add_run_metadata(self, run_metadata: Message, tag: str, global_step: int | None = None) -> None:
        """Adds the times and bytes of one step under a name; ValueError if it was used before."""
        if tag in self._run_tags:
            raise ValueError(f"The tag {tag!r} was already used for run metadata.")
        self._run_tags.add(tag)
        tagged = TaggedRunMetadata(tag=tag, run_metadata=_serialized(run_metadata))
        self._add(Event(tagged_run_metadata=tagged), global_step)

    def add_session_log(self, session_log: Message, global_step: int | None = None) -> None:
        """Adds a SessionLog, such as START or CHECKPOINT."""
        log = SessionLog.FromString(_serialized(session_log))
        self._add(Event(session_log=log), global_step)

    def add_hparams(self, hparams: Mapping[str, Any], group_name: str = "") -> None:
        """Adds the hyperparameters of the run, which TensorBoard's page "HParams" then lists beside its last metrics.

        The run counts as running until `close`, which says that it ended well, or badly where an error left the
        `with` of this writer. The metrics are the scalars of this folder and of those below it.

        Args:
            hparams: values by name: booleans, numbers, strings; None, lists and dicts are written as their text.
            group_name: runs of one group are shown as one.

        Raises:
            TypeError: a value of another type.
            ValueError: a second call: TensorBoard takes the first of a run.
        """
        if START_TAG in self._tags_with_metadata:
            raise ValueError(f"the run {self.get_logdir()} has hyperparameters already")
        self.add_summary(session_start_pb(hparams, group_name=group_name))
        self._has_hparams = True

    def flush(self) -> None:
        """Returns when all that was added is on the disk."""
        self.event_writer.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._end_session(Status.STATUS_SUCCESS)
        self.event_writer.close()

    def _end_session(self, status: Status) -> None:
        if self._has_hparams and not self.event_writer.closed:
            self._has_hparams = False
            self.add_summary(session_end_pb(status))

    def reopen(self) -> None:
        """Goes on in a new file after `close`; without it, does nothing."""
        self.event_writer.reopen()

    def _add(self, event: Event, global_step: int | None) -> None:
        event.wall_time = time.time()
        if global_step is not None:
            event.step = int(global_step)
        self._write(event)

    def _write(self, event: Message) -> None:
        if self.event_writer.closed:
            what = f"The FileWriter of {self.get_logdir()} is closed: the event is dropped. "
            warnings.warn(what + "Call reopen() to go on.", stacklevel=4)
        else:
            self.event_writer.add_event(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._end_session(Status.STATUS_FAILURE)
        self.close()


class FileWriterCache:
    """One FileWriter a directory, as tf.summary.FileWriterCache of TF 1.15."""

    _cache: ClassVar[dict[str, FileWriter]] = {}
    _lock: ClassVar[threading.RLock] = threading.RLock()

    @classmethod
    def get(cls, logdir: Directory) -> FileWriter:
        """Returns the writer of a directory: made at the first call, reopened if it was closed."""
        key = str(Path(logdir))
        with cls._lock:
            if key not in cls._cache:
                cls._cache[key] = FileWriter(logdir)
            cls._cache[key].reopen()
            return cls._cache[key]

    @classmethod
    def clear(cls) -> None:
        """Closes and forgets all writers."""
        with cls._lock:
            for writer in cls._cache.values():
                writer.close()
            cls._cache.clear()


def graph_def_of(graph: object) -> GraphDef:
    """Returns the GraphDef of a Graph or of a GraphDef message; TypeError for anything else."""
    if isinstance(graph, GraphLike):
        return graph_def_of(graph.as_graph_def(add_shapes=True))
    if isinstance(graph, GraphDef):
        return graph
    if isinstance(graph, Message) and type(graph).__name__ == "GraphDef":
        return GraphDef.FromString(graph.SerializeToString())
    raise TypeError(f"expected a Graph or GraphDef, got {type(graph).__name__}: {graph!r}")


def without_large_constants(graph_def: GraphDef, limit: int = LARGEST_CONSTANT) -> GraphDef:
    """Returns a copy in which tensors of more than `limit` bytes keep only their type and shape."""
    result = GraphDef()
    result.CopyFrom(graph_def)
    for node in result.node:
        _strip(node, limit)
    for function in result.library.function:
        for node in function.node_def:
            _strip(node, limit)
    return result


def _strip(node: NodeDef, limit: int) -> None:
    large = [name for name, value in node.attr.items() if value.HasField("tensor") and value.ByteSize() > limit]
    for name in large:
        old = node.attr[name].tensor
        kept = AttrValue()
        kept.tensor.dtype = old.dtype
        kept.tensor.tensor_shape.CopyFrom(old.tensor_shape)
        node.attr[name].CopyFrom(kept)
        # The name by which TensorBoard says that there was more.
        node.attr["_too_large_attrs"].list.s.append(name.encode())


def _parsed(summary: bytes | Message) -> Summary:
    if not isinstance(summary, bytes | Message):
        raise TypeError(f"summary must be bytes or a Summary message, got {summary!r:.200}")
    try:
        return Summary.FromString(_serialized(summary))
    except DecodeError as error:
        raise ValueError(f"The bytes given as a summary are no Summary message: {error}") from None


def _serialized(message: bytes | Message) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
