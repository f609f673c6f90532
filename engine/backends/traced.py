"""A program's calls with a clock around each: what takes their place in a run that is traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dtypes import DType
from ..function import FunctionGraph
from ..native.segment import Segment
from ..plan.buffers import Cell, Place, Storage, View
from ..plan.plan import Step
from ..recorder import Kernel, Output, Record, Recorder, Work, clock, output_of
from ..rewriting.dataflow import Node, kind_of
from .gpu_segments import DeviceSegment
from .native_steps import SegmentFailedError

if TYPE_CHECKING:
    from .cpu import CpuProgram
    from .gpu import GpuProgram

Call = Callable[[], Any]
Put = Callable[[Any], Any]
Outputs = Callable[[], Sequence[Output]]


def name_of(node: Node) -> str:
    """The name in the graph of what a node does: for reads that lowering made, the variable's."""
    if node.type == "ReadVariableOp" and (node.origin is None or node.origin.type != "ReadVariableOp"):
        source = node.inputs[0].node.origin
        return source.name if source is not None else node.name
    return node.origin.name if node.origin is not None else node.name


def work_of(node: Node, scratch: int = 0) -> Work:
    """A node as a piece of work."""
    inputs = tuple(name_of(v.node) for v in node.inputs)
    return Work(name_of(node), kind_of(node), inputs, node.origin, node.fused, scratch)


class Timing:
    """What a bound program does, by the names of the graph: made once and used by each of its traced runs."""

    def __init__(self, program: CpuProgram | GpuProgram) -> None:
        self.program = program
        plan = program.plan
        self.steps = [self._work(i, step) for i, step in enumerate(plan.steps)]
        self.outputs = [self._outputs(step) for step in plan.steps]
        self.feeds = [
            (Work(t.op.name, "_Arg", (), t.op), _static(program, [place], [t.dtype.base_dtype], False))
            for t, place in plan.feeds.items()
        ]
        origins = [s.node.origin for s in plan.steps]
        graphs = {t.graph for t in plan.feeds} | {op.graph for op in origins if op is not None}
        self.in_function = any(isinstance(graph, FunctionGraph) for graph in graphs)
        names = [_fetched(place) for place in plan.fetches]
        self.fetches = [Work(f"_retval_{name}_0_{i}", "_Retval", (name,)) for i, name in enumerate(names)]

    def _work(self, i: int, step: Step) -> Work:
        return work_of(step.node, self.program.scratch_bytes.get(i, 0))

    def _outputs(self, step: Step) -> Outputs:
        # What is written over an input takes no memory of its own.
        used = {p.buffer for p in step.inputs if isinstance(p, View)}
        fresh = [not isinstance(p, View) or p.buffer not in used for p in step.outputs]
        return _static(self.program, step.outputs, [v.dtype for v in step.node.outputs], fresh)

    def calls(self, recorder: Recorder) -> tuple[list[Put], list[Call], list[Call]]:
        """Feeds, calls and fetches like the program's own, each of which leaves records."""
        recorder.resume()
        program = self.program
        if self.in_function:
            # Arguments and results of functions are no nodes of a graph.
            return program.feed_puts, self._calls(recorder), program.fetch_gets
        puts: list[Put] = [
            partial(_put, recorder, work, put, outputs)
            for put, (work, outputs) in zip(program.feed_puts, self.feeds, strict=True)
        ]
        gets: list[Call] = [
            partial(recorder.run, work, get, _nothing)
            for get, work in zip(program.fetch_gets, self.fetches, strict=True)
        ]
        return puts, self._calls(recorder), gets

    def _calls(self, recorder: Recorder) -> list[Call]:
        program = self.program
        return [self._call(recorder, *pair) for pair in zip(program.calls, program.sources, strict=True)]

    def _call(self, recorder: Recorder, call: Call, source: int | Segment | DeviceSegment | None) -> Call:
        if source is None:
            return call
        if isinstance(source, Segment):
            return partial(self._segment, recorder, source)
        if isinstance(source, DeviceSegment):
            return partial(self._device_segment, recorder, source)
        outputs = self.outputs[source]
        return partial(recorder.run, self.steps[source], call, lambda result: outputs())

    def _segment(self, recorder: Recorder, segment: Segment) -> None:
        """Runs a segment with a clock and records each step of it."""
        times = np.zeros(len(segment.owners) + 1, np.int64)
        begin, start = recorder.last, clock()
        # As a run without a clock: no two steps change variables at once.
        with self.program.store.changing:
            failed = segment.run_timed(times)
        done = len(segment.owners) if failed < 0 else failed
        # What it takes to come back from the segment is the next one's.
        recorder.last = start + int(times[done])
        recorder.add(partial(self._records, segment, begin, start, times[: done + 1], recorder.kernels))
        if failed >= 0:
            raise SegmentFailedError(segment.owners[failed])

    def _device_segment(self, recorder: Recorder, segment: DeviceSegment) -> None:
        """Runs a segment step by step, and waits for each."""
        with self.program.store.changing:
            segment.run_each(partial(self._device_step, recorder))

    def _device_step(self, recorder: Recorder, step: int, call: Call) -> None:
        recorder.run(self.steps[step], call, lambda result: self.outputs[step]())

    def _records(
        self, segment: Segment, begin: int, start: int, times: np.ndarray[Any, Any], kernels: bool
    ) -> Iterator[Record]:
        moments = (start + times).tolist()
        for owner, first, end in _runs(segment.owners[: len(moments) - 1]):
            calls = _kernels(segment, moments, first, end) if kernels else ()
            yield Record(self.steps[owner], begin, moments[first], moments[end], self.outputs[owner](), calls)
            begin = moments[end]


def _fetched(place: View | Cell) -> str:
    """The name of what is fetched, or of what it is a view of."""
    return (place.name if isinstance(place, Cell) else place.buffer.key).removesuffix(":0")


def _runs(owners: Sequence[int]) -> list[tuple[int, int, int]]:
    """(owner, first, end) for each stretch of equal owners."""
    starts = [i for i, owner in enumerate(owners) if i == 0 or owners[i - 1] != owner]
    return [(owners[first], first, end) for first, end in pairwise([*starts, len(owners)])]


def _kernels(segment: Segment, moments: list[int], first: int, end: int) -> list[Kernel]:
    names = segment.names()
    return [Kernel(*names[i], moments[i], moments[i + 1]) for i in range(first, end)]


def _put(recorder: Recorder, work: Work, put: Put, outputs: Outputs, value: Any) -> None:
    recorder.run(work, partial(put, value), lambda result: outputs())


def _nothing(result: Any) -> Sequence[Output]:
    return ()


def _static(
    program: CpuProgram | GpuProgram, places: Sequence[Place], dtypes: Sequence[DType], fresh: bool | Sequence[bool]
) -> Outputs:
    """What tells of the values at some places; known before where all their shapes are."""
    flags = [fresh] * len(places) if isinstance(fresh, bool) else fresh
    given = [(p, d, f) for p, d, f in zip(places, dtypes, flags, strict=True) if p is not None]

    def outputs() -> Sequence[Output]:
        return [output_of(program.array_at(p), d, f and not _lasting(p)) for p, d, f in given]

    if any(isinstance(p, Cell) for p, _, _ in given):
        return outputs
    known = outputs()
    return lambda: known


def _lasting(place: View | Cell) -> bool:
    """Whether something lies in memory that the step does not take from the arena."""
    return isinstance(place, View) and place.buffer.storage is not Storage.ARENA


def outputs_of(node: Node, values: Sequence[Any]) -> list[Output]:
    """What is kept of a node's computed values."""
    return [output_of(x, v.dtype) for x, v in zip(values, node.outputs, strict=True)]
