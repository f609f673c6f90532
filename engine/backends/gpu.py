"""The GPU backend: a plan's steps bound to a device's memory where it has kernels, and as NumPy calls where not.

Runs of steps on the device are segments, captured at their second run; copies between host and device are settled when a
program is bound. As on the CPU a program is bound to one store and runs one step at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import InternalError, OpError, ResourceExhaustedError
from ..gpu.device import Device
from ..gpu.late import ask
from ..gpu.memory import Turn, lock_of
from ..gpu.pieces import Added, StepInputs, drawn_ahead
from ..gpu.values import Pool
from ..plan.arena import assign_offsets
from ..plan.buffers import Buffer, Cell, Storage, View
from ..plan.plan import Plan, Step
from ..recorder import Recorder
from ..runtime import Runtime
from ..unsupported import UnsupportedError
from .failures import failure_of
from .gpu_carried import (
    CALLS,
    FUNCTIONS,
    carried_access,
    carried_call,
    carries,
    lent,
    lent_in_part,
    may_stay,
    opaque_cells,
)
from .gpu_ends import (
    FedPlace,
    Given,
    downloaded,
    fetched_home,
    ignore,
    left_there,
    put_at_home,
    put_in_slot,
)
from .gpu_joined import joined
from .gpu_moves import Moves
from .gpu_residence import BOTH, Access, Side, copies_before, newest_sides, sides_of_others
from .gpu_segments import DeviceSegment
from .gpu_steps import DeviceMemories, DeviceStep, calls_of, kernels_of
from .gpu_words import overwritten_inputs
from .memory import aligned
from .planned import Call, PlannedProgram, Put, Slot, fetch_copy, fetch_slot
from .traced import Timing

Array = np.ndarray[Any, Any]


class GpuProgram(PlannedProgram):
    """A plan bound to a device and to the variables of a store.

    `precision` is that of float32 products: "float32", or "tf32". `make_room` is called where the device's memory is too
    little, before it is tried once more.
    """

    native_name = "GPU"

    def __init__(
        self,
        plan: Plan,
        runtime: Runtime,
        device: Device,
        precision: str = "float32",
        make_room: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(plan, runtime)
        self.device = device
        self.make_room = make_room
        self.turn = lock_of(device)
        self.pool = Pool(device)
        self.opaque = opaque_cells(plan)
        self.precision = precision
        self.timing: Timing | None = None
        self.store.use_devices()

    # Binding

    def bind(self) -> None:
        """Binds the steps to memory, anew where a variable has other memory than before."""
        if not self._fits():
            # Outside the handler, whose frames hold what the first try took.
            with self.turn:
                self._bind()

    def _fits(self) -> bool:
        """Binds the steps; False if the memory was too little and there may be more now."""
        try:
            with self.turn:
                self._bind()
        except ResourceExhaustedError:
            if self.make_room is None:
                raise
            self.make_room()
            return False
        return True

    def _bind(self) -> None:
        generation = self._begin_binding()
        self.timing = None
        self.sources: list[int | DeviceSegment | None] = []
        self.scratch_bytes: dict[int, int] = {}
        self.segments: list[DeviceSegment] = []
        self.memories = DeviceMemories(self.plan, self.runtime, self.device, self.precision)
        self._reserve_results()
        found = [self._on_device(i, step) for i, step in enumerate(self.plan.steps)]
        self.remarks = [f"step {i}: {text}" for i, one in enumerate(found) if one is not None for text in one.remarks]
        self.accesses = [_access(step, bound) for step, bound in zip(self.plan.steps, found, strict=True)]
        given = {b: BOTH for b in self.plan.buffers if b.storage is not Storage.ARENA}
        self.newest = newest_sides(self.accesses, given)
        self.others = sides_of_others(self.accesses, given)
        self.moves = copies_before(self.accesses, given, [(b, Side.HOST) for b in self._fetched_through_host()])
        self.last_reads = {b: i for i, a in enumerate(self.accesses) for b in (*a.reads, *a.as_is)}
        self.last_reads |= {p.buffer: len(self.accesses) for p in self.plan.fetches if isinstance(p, View)}
        self._make_shadows()
        self.moving = Moves.of(self, [i for i, bound in enumerate(found) if bound is not None and bound.work])
        self._bind_calls(found)
        self._bind_ends()
        # Not before: a program that could not be bound is not bound.
        self.generation = generation

    @property
    def runs_on_device(self) -> bool:
        """Whether any step does, or calls functions that may."""
        return bool(self.segments) or any(step.node.type in CALLS and carries(step) for step in self.plan.steps)

    def _on_device(self, i: int, step: Step) -> DeviceStep | None:
        try:
            before = self.memories.scratch.nbytes
            bound = self.memories.bind(i, step)
            self.scratch_bytes[i] = self.memories.scratch.nbytes - before
            return bound
        except UnsupportedError as error:
            self.reasons[i] = FUNCTIONS if step.node.type in CALLS else str(error)
            return None

    def _reserve_results(self) -> None:
        """Small fetched values get a place beside the error word; a function's stay where they are."""
        results, self.places = self.memories.results, {}
        for place in () if self.plan.of_function else self.plan.fetches:
            if isinstance(place, View) and place.buffer.storage is Storage.ARENA and place.contiguous:
                start = results.reserve(place.nbytes)
                if start is not None:
                    self.places[place] = start
        results.allocate()

    def _fetched_through_host(self) -> list[Buffer]:
        """The buffers that are fetched from the host's memory: those that are there, and windows with gaps."""
        views = [p for p in self.plan.fetches if isinstance(p, View) and p.buffer.storage is Storage.ARENA]
        return [v.buffer for v in views if Side.HOST in self.newest[v.buffer] or self._has_gaps(v)]

    def _has_gaps(self, view: View) -> bool:
        """Whether what is fetched lies with gaps, which the host leaves out; of what functions give the device does."""
        return not view.contiguous and not self.plan.of_function

    def _make_shadows(self) -> None:
        """Gives the buffers of the arena that the host touches memory there, shared as in the arena."""
        touched = [b for a in self.accesses if a.side is Side.HOST for b in (*a.reads, *a.writes)]
        touched += self._fetched_through_host()
        chosen = [b for b in dict.fromkeys(touched) if b.storage is Storage.ARENA]
        self.shadows = {b: Buffer(b.storage, b.nbytes, b.key, first=b.first, last=b.last) for b in chosen}
        end = max((b.last for b in chosen), default=0)
        self.host = aligned(assign_offsets(self.shadows.values(), end))

    def _arena_memory(self, buffer: Buffer) -> tuple[Array, int]:
        return self.host, self.shadows[buffer].offset

    def _host_bytes(self, buffer: Buffer) -> Array:
        memory, start = self._memory(buffer)
        return memory[start : start + buffer.nbytes]

    def _bind_calls(self, found: Sequence[DeviceStep | None]) -> None:
        work = joined(found, self.memories.table)
        functions = self.device.load(kernels_of(item for items in work for item in items))
        segment: DeviceSegment | None = None
        self.inputs: list[Added] = []
        self.gathered: set[View] = set()
        self.given: dict[Buffer, Given] = {}
        last = max((i for i, bound in enumerate(found) if bound is not None and bound.work), default=0)
        for i, (step, bound) in enumerate(zip(self.plan.steps, found, strict=True)):
            if bound is None:
                self._end(segment, i > last)
                segment = None
                self._download(self.moves[i], step)
                self._add(i, step, self._host_calls(i, step))
            elif bound.work:
                segment = segment or DeviceSegment(self.device, self.memories.results)
                self._extend(segment, i, bound, calls_of(work[i], self.device, functions))
        self._end(segment, True)

    def _host_calls(self, i: int, step: Step) -> list[Call]:
        return [carried_call(self, i, self.others[i])] if carries(step) else self._numpy_calls(step)

    def _extend(self, segment: DeviceSegment, i: int, bound: DeviceStep, calls: list[Call]) -> None:
        segment.steps.append(i)
        segment.calls += calls
        segment.owners += [i] * len(calls)
        segment.uploads += [(self.memories.address(b), self._host_bytes(b)) for b in self.moves[i] if b.nbytes]
        self.inputs += bound.inputs
        for storage, (copy, written) in bound.variables.items():
            segment.variables[storage] = copy, written or segment.variables.get(storage, (copy, False))[1]
        segment.fallible = segment.fallible or bound.fallible
        segment.drawn += [(i, value) for value in drawn_ahead(bound.inputs)]
        if bound.fallible:
            segment.refusing.append(i)
        segment.add_sums(i, bound.parts)

    def _end(self, segment: DeviceSegment | None, last: bool) -> None:
        if segment is None:
            return
        segment.wait_for_sums()
        lost = overwritten_inputs(self.plan, segment.steps, segment.refusing, self.moves)
        if lost:
            segment.keep([(self.memories.address(b), b.nbytes) for b in lost])
        if last:
            self._give_results(segment)
        if self.inputs:
            segment.inputs, self.inputs = StepInputs(self.memories.values, self.inputs), []
        self.segments.append(segment)
        calls: list[Call] = [segment.run]
        self._add(
            segment, self.plan.steps[segment.owners[0]], self._alone(calls) if segment.changes_variables else calls
        )

    def _give_results(self, segment: DeviceSegment) -> None:
        """Has the last segment gather the small fetched values that are on the device."""
        later = {buffer for access in self.accesses for buffer in access.away}
        for place, start in self.places.items():
            if Side.HOST not in self.newest[place.buffer] and place.nbytes and place.buffer not in later:
                source = self.memories.address(place.buffer) + place.offset
                segment.calls.append(self.device.copy(self.memories.results.error + start, source, place.nbytes))
                segment.owners.append(segment.owners[-1])
                segment.gives = True
                self.gathered.add(place)

    def _download(self, buffers: Sequence[Buffer], step: Step) -> None:
        pairs = [(self._host_bytes(b), self.memories.address(b)) for b in buffers if b.nbytes]
        if pairs:
            self._add(None, step, [partial(_download_all, self.device, self.turn, pairs)])

    def _add(self, source: int | DeviceSegment | None, step: Step, calls: list[Call]) -> None:
        self.calls += calls
        self.sources += [source] * len(calls)
        self.nodes += [step.node] * len(calls)

    def _bind_ends(self) -> None:
        """Binds what takes the fed values and gives the fetched ones."""
        if self.moves[-1]:
            self._download(self.moves[-1], self.plan.steps[-1])
        reads = {b for access in self.accesses if access.side is Side.HOST for b in access.reads}
        self.read_there = {b for access in self.accesses if access.side is Side.DEVICE for b in access.reads}
        self.lent_in_part = {b for step in self.plan.steps for b in lent_in_part(step)}
        self.fed_at_home = reads | {p.buffer for p in self.plan.fetches if isinstance(p, View)}
        self.feed_puts = [self._feed_put(p) for p in self.plan.feeds.values()]
        fetched: set[View | Cell] = set()
        self.fetch_gets = []
        for place in self.plan.fetches:
            self.fetch_gets.append(self._fetch_get(place, place in fetched))
            fetched.add(place)
        pairs = zip(self.plan.fetches, self.fetch_gets, strict=True)
        self.there_gets = [self._there_get(place) or get for place, get in pairs]
        self.slots = [*self.cells.values(), *self.given.values()]
        if self.moving is not None:
            self.segments[0].move(self.moving)
            self.slots += [self.moving.taken, self.moving.given]
        self.quiet = not self.reasons

    def _feed_put(self, place: View | Cell) -> Put:
        if isinstance(place, Cell):
            if place in self.opaque or place.dtype.name == "variant":
                return partial(setattr, self._slot(place), "value")
            return partial(put_in_slot, self._slot(place))
        given, put = self.given.get(place.buffer), self._own_put(place)
        if given is None:
            return put
        given.put = put
        return given

    def _own_put(self, place: View) -> Put:
        at_home = place.buffer in self.fed_at_home
        array = self._array(place) if at_home else None
        if not self.memories.is_fed(place.buffer):
            return ignore if array is None else partial(put_at_home, array)
        address, buffer = self.memories.address(place.buffer), place.buffer
        fed = FedPlace(self.device, self.turn, address, place.dtype.numpy, array)
        fed.only_carried = buffer not in self.read_there and buffer not in self.lent_in_part
        if self.moving is not None and buffer in self.read_there and buffer not in self.lent_in_part:
            fed.inlet = self.moving.fed(address, place.nbytes)
        return fed

    def _fetch_get(self, place: View | Cell, again: bool) -> Call:
        if isinstance(place, Cell):
            return partial(fetched_home, partial(fetch_copy if again else fetch_slot, self._slot(place)))
        if self._is_left(place):
            return self._device_get(place)
        array = self.array_at(place)
        get = partial(array.__getitem__, ()) if array.ndim == 0 else array.copy
        return self._variable_get(place, get) if place.buffer.storage is Storage.VARIABLE else get

    def _there_get(self, place: View | Cell) -> Call | None:
        """What gives a value where it is, on the device; None for what is elsewhere."""
        if isinstance(place, Cell):
            if place.dtype.name == "variant":
                return partial(getattr, self._slot(place), "value")
            return partial(fetch_slot, self._slot(place)) if place in self.opaque else None
        if not may_stay(place) or not self._is_left(place):
            return None
        get = lent(self, place)
        moved = self.moving.outlet(len(self.plan.steps), place, get) if self.moving is not None else None
        return partial(left_there, moved or get)

    def _slot(self, cell: Cell) -> Slot:
        return self.cells.setdefault(cell, Slot())

    def _is_left(self, view: View) -> bool:
        """Whether what is fetched is on the device alone."""
        if view.buffer.storage is not Storage.ARENA or self._has_gaps(view):
            return False
        return Side.HOST not in self.newest[view.buffer]

    def _device_get(self, view: View) -> Call:
        dtype, sizes = view.dtype.numpy, view.sizes
        if view not in self.gathered:
            return partial(downloaded, lent(self, view))
        start = self.places[view]
        array = self.memories.results.host[start : start + view.nbytes].view(dtype).reshape(sizes)
        return partial(array.__getitem__, ()) if array.ndim == 0 else array.copy

    def notes(self) -> list[str]:
        """Which segments there are, and what each run copies between host and device."""
        lines = [f"segment {i}: {_stretches(s.steps)}, {len(s.calls)} calls" for i, s in enumerate(self.segments)]
        up = sum(s.uploaded_bytes for s in self.segments)
        fed = sum(
            p.buffer.nbytes for p in self.plan.feeds.values() if isinstance(p, View) and self.memories.is_fed(p.buffer)
        )
        down = sum(
            b.nbytes for moves, a in zip(self.moves, self.accesses, strict=False) if a.side is Side.HOST for b in moves
        )
        fetched = sum(p.nbytes for p in self.plan.fetches if isinstance(p, View) and p.buffer.storage is Storage.ARENA)
        lines.append(
            f"to the device {fed} bytes fed and {up} others, from it {fetched} bytes fetched and {down} others"
        )
        return lines + self.remarks

    def array_at(self, place: View | Cell) -> Any:
        """What lies at a place; of what is on the device alone only the shape and dtype hold."""
        if isinstance(place, View) and place.buffer.storage is Storage.ARENA and place.buffer not in self.shadows:
            return place.ghost()
        return super().array_at(place)

    # Failing and tracing

    def _failure(self, step: Step, feeds: Sequence[Any]) -> OpError:
        """What the NumPy kernel raises for values that one of the device refused."""
        number = self.plan.steps.index(step)
        segment = next(s for s in self.segments if number in s.steps)
        segment.undo_after(number)
        try:
            segment.rerun_before(number)
        finally:
            self.memories.results.clear()
        return _OnHost(self, feeds).failure(step)

    def _traced(self, recorder: Recorder) -> tuple[list[Put], list[Call], list[Call]]:
        self.timing = self.timing or Timing(self)
        return self.timing.calls(recorder)


class _OnHost(PlannedProgram):
    """One step of a program on NumPy, with its inputs brought from the device."""

    def __init__(self, program: GpuProgram, feeds: Sequence[Any]) -> None:
        super().__init__(program.plan, program.runtime)
        self._begin_binding()
        self.cells = program.cells
        self.program = program
        self.held: dict[Buffer, Array] = {}
        for place, value in zip(self.plan.feeds.values(), feeds, strict=True):
            if isinstance(place, View):
                np.copyto(self._array(place), value)

    def _arena_memory(self, buffer: Buffer) -> tuple[Array, int]:
        if buffer not in self.held:
            memory = self.held[buffer] = aligned(buffer.nbytes)
            if buffer.nbytes:
                with self.program.turn:
                    self.program.device.download(memory[: buffer.nbytes], self.program.memories.address(buffer))
        return self.held[buffer], 0

    def failure(self, step: Step) -> OpError:
        """What the step raises."""
        try:
            with np.errstate(all="ignore"):
                for call in self._numpy_calls(step):
                    call()
        except Exception as error:
            return failure_of(error, step.node)
        return failure_of(InternalError(None, None, "a kernel of the device refused what NumPy computed"), step.node)


def _access(step: Step, bound: DeviceStep | None) -> Access[Buffer]:
    if bound is None and carries(step):
        return carried_access(step)
    side = Side.HOST if bound is None else Side.DEVICE
    places = () if bound is not None and not bound.work else step.inputs
    reads = [p.buffer for p in places if isinstance(p, View)]
    kept = Storage.CONSTANT, Storage.VARIABLE
    return Access(
        side,
        tuple(b for b in reads if b.storage not in kept),
        tuple(p.buffer for p in step.outputs if isinstance(p, View)),
    )


def _stretches(steps: Sequence[int]) -> str:
    distinct = list(dict.fromkeys(steps))
    return f"steps {distinct[0]} to {distinct[-1]}" if len(distinct) > 1 else f"step {distinct[0]}"


def _download_all(device: Device, turn: Turn, pairs: Sequence[tuple[Array, int]]) -> None:
    ask()
    with turn:
        for array, address in pairs:
            device.download(array, address)
