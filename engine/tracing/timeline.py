"""A step's statistics as a Chrome trace: rows of nodes a device, arrows of dataflow, and the memory over time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..protos import NodeExecStats, StepStats
from .lifetimes import Lifetime, lifetimes

# "name = Type(input, input)" and more.
_LABEL = re.compile(r"(?P<name>.*?) = (?P<kind>[^(]*)\((?P<inputs>.*?)\)")

Event = dict[str, Any]


class AllocationMaximum(NamedTuple):
    """When an allocator had given out most, how many bytes, and the names of the tensors that held them."""

    timestamp: float
    num_bytes: int
    tensors: list[str]


class StepStatsAnalysis(NamedTuple):
    """A trace, and the most that each allocator gave out."""

    chrome_trace: ChromeTrace
    allocator_maximums: dict[str, AllocationMaximum]


@dataclass
class ChromeTrace:
    """Events of a trace; `format_to_string` gives the JSON that chrome://tracing and Perfetto read."""

    metadata: list[Event] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def format_to_string(self, pretty: bool = False) -> str:
        """The trace as JSON."""
        trace = {"traceEvents": [*self.metadata, *self.events]}
        if pretty:
            return json.dumps(trace, indent=4, separators=(",", ": "))
        return json.dumps(trace, separators=(",", ":"))


@dataclass(frozen=True)
class Row:
    """A node that ran, and where it is drawn; times in nanoseconds."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    pid: int
    tid: int
    start: int
    end: int
    stats: NodeExecStats


class Timeline:
    """A StepStats message as a timeline; as TensorFlow 1.15's `tensorflow.python.client.timeline.Timeline`.

    Example:
        >>> import headrace as tf
        >>> metadata = tf.RunMetadata()
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        ...     _ = sess.run(tf.exp(tf.random_normal([3])), options=options, run_metadata=metadata)
        >>> trace = Timeline(metadata.step_stats).generate_chrome_trace_format()
        >>> "traceEvents" in trace and "Exp" in trace
        True
    """

    def __init__(self, step_stats: StepStats, graph: Any = None) -> None:
        del graph
        if not isinstance(step_stats, StepStats):
            kind = type(step_stats).__name__
            raise TypeError(f"A Timeline is drawn of StepStats, such as run_metadata.step_stats; got a {kind}")
        self._devices = list(step_stats.dev_stats)
        self._rows = list(self._drawn())

    def _drawn(self) -> Iterator[Row]:
        """The nodes that took time, in lanes in which none overlaps another."""
        for pid, device in enumerate(self._devices, 1):
            lanes: list[int] = []
            for stats in sorted(device.node_stats, key=lambda s: (start_of(s), -duration_of(s))):
                if duration_of(stats) <= 0:
                    # Fused into a node that is drawn.
                    continue
                start, end = start_of(stats), start_of(stats) + duration_of(stats)
                lane = next((i for i, last in enumerate(lanes) if last <= start), len(lanes))
                lanes[lane:] = [end, *lanes[lane + 1 :]]
                yield Row(*parsed_label(stats), pid, lane, start, end, stats)

    def analyze_step_stats(
        self, show_dataflow: bool = True, show_memory: bool = True, op_time: str = "schedule"
    ) -> StepStatsAnalysis:
        """The trace as events.

        Args:
            show_dataflow: add an arrow from each node to those that take its result.
            show_memory: add each tensor as an object, and a counter of the bytes that are in use.
            op_time: accepted; the times are those of the step's thread.
        """
        del op_time
        trace = ChromeTrace()
        for pid, device in enumerate(self._devices, 1):
            trace.metadata.append(_process(pid, f"{device.device} Compute"))
        trace.events += [_region(row) for row in self._rows]
        if show_dataflow:
            trace.events += self._arrows()
        maximums: dict[str, AllocationMaximum] = {}
        if show_memory:
            found = lifetimes(self._rows)
            trace.metadata.append(_process(0, "Allocators"))
            trace.events += [event for life in found for event in _object(life)]
            trace.events += _counters(found, maximums)
        return StepStatsAnalysis(trace, maximums)

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False, op_time: str = "schedule"
    ) -> str:
        """The trace as JSON for chrome://tracing; arguments as `analyze_step_stats` has them."""
        return self.analyze_step_stats(show_dataflow, show_memory, op_time).chrome_trace.format_to_string(pretty=True)

    def _arrows(self) -> Iterator[Event]:
        number, made = 0, dict[str, Row]()
        for row in sorted(self._rows, key=lambda r: r.end):
            for name in dict.fromkeys(row.inputs):
                source = made.get(name)
                if source is not None:
                    common = {"cat": "DataFlow", "name": name, "id": number}
                    yield {"ph": "s", **common, "pid": source.pid, "tid": source.tid, "ts": source.end / 1000}
                    yield {"ph": "f", "bp": "e", **common, "pid": row.pid, "tid": row.tid, "ts": row.start / 1000}
                    number += 1
            made[row.name] = row


def start_of(stats: NodeExecStats) -> int:
    """When a node began, in nanoseconds."""
    return stats.all_start_nanos or stats.all_start_micros * 1000


def duration_of(stats: NodeExecStats) -> int:
    """How long a node took, in nanoseconds."""
    return stats.all_end_rel_nanos if stats.all_start_nanos else stats.all_end_rel_micros * 1000


def parsed_label(stats: NodeExecStats) -> tuple[str, str, tuple[str, ...]]:
    """The name of a node, its op type, and the names of the operations whose results it takes."""
    match = _LABEL.match(stats.timeline_label)
    if match is None:
        return stats.node_name, stats.timeline_label or stats.node_name, ()
    inputs = tuple(name.removeprefix("^").split(":")[0] for name in match["inputs"].split(", ") if name)
    return stats.node_name, match["kind"], inputs


def _process(pid: int, name: str) -> Event:
    return {"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}}


def _region(row: Row) -> Event:
    arguments = {"name": row.name, "op": row.kind, **{f"input{i}": name for i, name in enumerate(row.inputs)}}
    place = {"pid": row.pid, "tid": row.tid, "ts": row.start / 1000, "dur": (row.end - row.start) / 1000}
    return {"name": row.kind, "cat": "Op", "ph": "X", **place, "args": arguments}


def _object(life: Lifetime) -> Iterator[Event]:
    common = {"name": life.name, "cat": "Tensor", "pid": life.pid, "tid": 0, "id": life.number}
    snapshot = {"tensor_description": str(life.description)}
    yield {"ph": "N", **common, "ts": life.start / 1000}
    yield {"ph": "O", **common, "ts": life.start / 1000, "args": {"snapshot": snapshot}}
    yield {"ph": "D", **common, "ts": life.end / 1000}


def _counters(found: list[Lifetime], maximums: dict[str, AllocationMaximum]) -> Iterator[Event]:
    """The bytes that are in use after each change, by allocator; fills in when they were most."""
    changes = sorted([(life.start, 1, life) for life in found] + [(life.end, 0, life) for life in found], key=_moment)
    alive: dict[str, dict[int, Lifetime]] = {}
    for time, begins, life in changes:
        held = alive.setdefault(life.allocator, {})
        if begins:
            held[life.number] = life
        else:
            held.pop(life.number, None)
        total = sum(each.nbytes for each in held.values())
        if life.allocator not in maximums or total > maximums[life.allocator].num_bytes:
            maximums[life.allocator] = AllocationMaximum(time / 1000, total, [each.name for each in held.values()])
        yield {
            "name": life.allocator,
            "cat": "Memory",
            "ph": "C",
            "pid": 0,
            "tid": 0,
            "ts": time / 1000,
            "args": {life.allocator: total},
        }


def _moment(change: tuple[int, int, Lifetime]) -> tuple[int, int]:
    return change[0], change[1]
