"""The CPU backend: a plan's steps bound to their memory, natively where there is a kernel and as NumPy calls where not.

No allocation and no lookups in the steady state. A program is bound to one store and runs one step at a time; a session
keeps as many as threads need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import InternalError, OpError
from ..native.calls import Bound
from ..native.library import Library
from ..native.segment import Segment, address
from ..plan.buffers import Buffer, Cell, Storage, View
from ..plan.plan import INITIALIZERS, Plan, Step
from ..recorder import Recorder
from ..resources import RowStorage, VariableStorage
from ..rewriting.dataflow import Value
from ..runtime import Runtime
from ..unsupported import UnsupportedError
from .failures import failure_of
from .memory import aligned, arena
from .native_steps import SegmentBuilder, bind_native, run_segment
from .planned import Call, PlannedProgram, Put, Slot, fetch_copy, fetch_slot
from .traced import Timing


class CpuProgram(PlannedProgram):
    """A plan bound to an arena and to the variables of a store.

    `library` is the native runtime, or in a few words why there is none; `threads` how many its kernels use.
    """

    def __init__(self, plan: Plan, runtime: Runtime, library: Library | str = "", threads: int = 1) -> None:
        super().__init__(plan, runtime)
        self.library = library
        self.threads = threads
        self.arena = arena(plan.arena_bytes)
        self.timing: Timing | None = None

    def _traced(self, recorder: Recorder) -> tuple[list[Put], list[Call], list[Call]]:
        self.timing = self.timing or Timing(self)
        return self.timing.calls(recorder)

    # Binding

    def bind(self) -> None:
        """Binds the steps to memory, anew where a variable has other memory than before."""
        generation = self._begin_binding()
        self.timing = None
        # What each call does: a step, a segment of several, or nothing of the graph.
        self.sources: list[int | Segment | None] = []
        self.scratch_bytes: dict[int, int] = {}
        self.segments: list[Segment] = []
        self.numpy_buffers = {p.buffer for p in self.plan.fetches if isinstance(p, View)}
        self._bind_steps()
        # Native kernels give no warnings.
        self.quiet = not self.reasons
        self.feed_puts = [self._feed_put(p) for p in self.plan.feeds.values()]
        fetched: set[View | Cell] = set()
        self.fetch_gets = []
        for place in self.plan.fetches:
            self.fetch_gets.append(self._fetch_get(place, place in fetched))
            fetched.add(place)
        self.slots = list(self.cells.values())
        # Not before: a program that could not be bound is not bound.
        self.generation = generation

    def _bind_steps(self) -> None:
        builder = SegmentBuilder()
        for i, step in enumerate(self.plan.steps):
            builder = self._add_step(i, step, builder)
        self._end_segment(builder)

    def _add_step(self, i: int, step: Step, builder: SegmentBuilder) -> SegmentBuilder:
        """Adds a step to a segment, or calls behind it; gives the segment that the next step may join."""
        try:
            bound = self._bind_native(step)
            builder.add(i, bound)
            self.scratch_bytes[i] = bound.scratch_bytes
        except UnsupportedError as error:
            self.reasons[i] = str(error)
            builder = self._end_segment(builder)
            self._add_calls(i, step, self._numpy_calls(step))
            self.numpy_buffers |= {p.buffer for p in (*step.inputs, *step.outputs) if isinstance(p, View)}
        return builder

    def _add_calls(self, source: int | Segment | None, step: Step, calls: list[Call]) -> None:
        self.calls += calls
        self.sources += [source] * len(calls)
        self.nodes += [step.node] * len(calls)

    def _bind_native(self, step: Step) -> Bound:
        if isinstance(self.library, str):
            raise UnsupportedError(self.library)
        node = step.node
        if node.type in INITIALIZERS and not self._has_value(node.inputs[0]):
            raise UnsupportedError("the first value of a variable")
        inputs = [_static_array(self._operand(p, v)) for p, v in zip(step.inputs, node.inputs, strict=True)]
        outputs = [self._operand(p, v) for p, v in zip(step.outputs, node.outputs, strict=True) if v.variable is None]
        return bind_native(self.library, node, inputs, outputs)

    def _has_value(self, handle: Value) -> bool:
        """Whether a variable is known to have a value when the step begins."""
        ref = handle.variable
        return ref is not None and ref.key in self.plan.required and handle.node.type != "TemporaryVariable"

    def _end_segment(self, builder: SegmentBuilder) -> SegmentBuilder:
        if builder.calls and not isinstance(self.library, str):
            scratch = aligned(builder.scratch_bytes)
            segment = Segment(self.library, builder.calls, builder.owners, self.threads, scratch)
            self.segments.append(segment)
            first = self.plan.steps[builder.owners[0]]
            steps = [self.plan.steps[owner] for owner in dict.fromkeys(builder.owners)]
            calls = self._at_home(steps, [partial(run_segment, segment.run, segment.owners)])
            changes = any(step.node.writes for step in steps)
            self._add_calls(segment, first, self._alone(calls) if changes else calls)
        return SegmentBuilder()

    def _failure(self, step: Step, feeds: Sequence[Any]) -> OpError:
        """What the NumPy kernel raises for values that a native one refused."""
        for place, value in zip(self.plan.feeds.values(), feeds, strict=True):
            if isinstance(place, View):
                np.copyto(self._array(place), value)
        try:
            for call in self._bind_step(step):
                call()
        except Exception as error:
            return failure_of(error, step.node)
        return failure_of(InternalError(None, None, "a native kernel refused what NumPy computed"), step.node)

    def _feed_put(self, place: View | Cell) -> Callable[[Any], Any]:
        if isinstance(place, Cell):
            return partial(setattr, self.cells.setdefault(place, Slot()), "value")
        array = self._array(place)
        if place.buffer in self.numpy_buffers or array.dtype.kind not in "biufc":
            return partial(np.copyto, array)
        start = address(array)
        places = [(s, found) for s in self.segments if (found := s.places_in(start, array.nbytes))]
        return partial(_point, places, array)

    def _fetch_get(self, place: View | Cell, again: bool) -> Call:
        if isinstance(place, Cell):
            return partial(fetch_copy if again else fetch_slot, self.cells.setdefault(place, Slot()))
        array = self._constant(place) if place.buffer.storage is Storage.CONSTANT else self._array(place)
        get = partial(array.__getitem__, ()) if array.ndim == 0 else array.copy
        return self._variable_get(place, get) if place.buffer.storage is Storage.VARIABLE else get

    def _arena_memory(self, buffer: Buffer) -> tuple[np.ndarray[Any, Any], int]:
        return self.arena, buffer.offset


def _static_array(operand: Any) -> Any:
    """The array of a variable whose shape is static; other operands as they are."""
    if isinstance(operand, RowStorage):
        raise UnsupportedError("the variable is kept by rows")
    if isinstance(operand, VariableStorage) and operand.sizes is not None and None not in operand.sizes:
        return operand.allocate(operand.sizes)  # type: ignore[arg-type]
    return operand


def _point(places: list[tuple[Segment, tuple[int, ...]]], own: np.ndarray[Any, Any], value: Any) -> None:
    # The step reads what is fed where it lies; what is not laid out as planned is copied.
    if (
        (value.dtype is not own.dtype and value.dtype != own.dtype)
        or not value.flags.c_contiguous
        or not value.flags.aligned
    ):
        np.copyto(own, value)
        value = own
    for segment, found in places:
        segment.point(found, value, own.nbytes)
