"""The CPU backend: a plan's steps bound to their memory, natively where there is a kernel and as NumPy calls where not.

No allocation and no lookups in the steady state. A program is bound to one store and runs one step at a time; a session
keeps as many as threads need.
"""

from __future__ import annotations

import contextlib
import mmap
import threading
from collections.abc import Callable, Sequence
from functools import partial
from operator import length_hint
from typing import Any

import numpy as np

from ..errors import FailedPreconditionError, InternalError, OpError, ResourceExhaustedError
from ..function import functions_of
from ..graph import Tensor
from ..kernels.optimizer_blocks import update_summed
from ..native.calls import Bound
from ..native.library import Library
from ..native.segment import Segment, address
from ..plan.buffers import ALIGNMENT, Buffer, Cell, Place, Storage, View
from ..plan.plan import INITIALIZERS, Plan, Step
from ..recorder import Recorder
from ..resources import ResourceStore, RowStorage, VariableStorage
from ..rewriting.dataflow import Node, Value
from ..rewriting.fuse import expression_of
from ..runtime import KernelContext, Runtime
from ..unsupported import UnsupportedError
from .arguments import compute_of
from .elementwise import bind_expression
from .failures import failure_of
from .native_steps import SegmentBuilder, SegmentFailedError, bind_native, run_segment
from .traced import Timing
from .variables import assign, check_plan, rows_updated, storage_of, update_rows, validates

Call = Callable[[], Any]
_MAPPED_FROM, _LARGE_PAGES_FROM = 1 << 20, 1 << 22


class Slot:
    """Where a value of unknown shape is kept while a step runs."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None


class CpuProgram:
    """A plan bound to an arena and to the variables of a store.

    `library` is the native runtime, or in a few words why there is none; `threads` how many its kernels use.
    """

    def __init__(self, plan: Plan, runtime: Runtime, library: Library | str = "", threads: int = 1) -> None:
        self.plan = plan
        self.library = library
        self.threads = threads
        self.runtime = runtime
        self.store: ResourceStore = runtime.resources
        self.arena = _arena(plan.arena_bytes)
        self.generation = -1
        self.calls: list[Call] = []
        self.nodes: list[Node] = []
        self.timing: Timing | None = None
        self.ready = False
        # Initializers mostly run once: their memory is not kept, and what runs again is bound anew, natively then.
        self.gave_first_value = False

    def run(self, feeds: Sequence[Any], recorder: Recorder | None = None) -> list[Any]:
        """The fetched values, given the fed ones in the plan's order; arrays of the planned dtype and shape."""
        if self.generation != self.store.generation:
            self.bind()
        if not self.ready:
            self._check_initialized()
        puts, bound, gets = self.feed_puts, self.calls, self.fetch_gets
        if recorder is not None:
            self.timing = self.timing or Timing(self)
            puts, bound, gets = self.timing.calls(recorder)
        for put, value in zip(puts, feeds, strict=True):
            put(value)
        calls = iter(bound)
        try:
            if self.quiet:
                for call in calls:
                    call()
            else:
                with np.errstate(all="ignore"):
                    for call in calls:
                        call()
            results = [get() for get in gets]
        except SegmentFailedError as failed:
            raise self._failure_on_numpy(self.plan.steps[failed.step], feeds) from None
        except Exception as error:
            done = len(self.calls) - length_hint(calls)
            raise failure_of(error, self.nodes[done - 1]) from error
        finally:
            for slot in self.slots:
                slot.value = None
        return results

    # Binding

    def bind(self) -> None:
        """Binds the steps to memory, anew where a variable has other memory than before."""
        generation = self.store.generation
        self.ready = False
        self.arrays: dict[View, np.ndarray[Any, Any]] = {}
        self.cells: dict[Cell, Slot] = {}
        self.feed_memory: dict[Buffer, np.ndarray[Any, Any]] = {}
        self.calls, self.nodes, self.timing = [], [], None
        # What each call does: a step, a segment of several, or nothing of the graph.
        self.sources: list[int | Segment | None] = []
        self.scratch_bytes: dict[int, int] = {}
        for key, ref in self.plan.variables.items():
            check_plan(self.store.variable(key, ref.dtype, ref.sizes), ref.sizes)
        self.reasons: dict[int, str] = {}
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
            calls = self._bind_step(step)
            self._add_calls(i, step, self._alone(calls) if _changes_variables(step.node) else calls)
            self.numpy_buffers |= {p.buffer for p in (*step.inputs, *step.outputs) if isinstance(p, View)}
        return builder

    def _add_calls(self, source: int | Segment | None, step: Step, calls: list[Call]) -> None:
        self.calls += calls
        self.sources += [source] * len(calls)
        self.nodes += [step.node] * len(calls)

    def _alone(self, calls: list[Call]) -> list[Call]:
        """Calls while which no other step of this store changes variables."""
        return [partial(_with_lock, self.store.changing, call) for call in calls]

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
            scratch = _aligned(builder.scratch_bytes)
            segment = Segment(self.library, builder.calls, builder.owners, self.threads, scratch)
            self.segments.append(segment)
            first = self.plan.steps[builder.owners[0]]
            calls: list[Call] = [partial(run_segment, segment.run, segment.owners)]
            changes = any(self.plan.steps[owner].node.writes for owner in builder.owners)
            self._add_calls(segment, first, self._alone(calls) if changes else calls)
        return SegmentBuilder()

    def _failure_on_numpy(self, step: Step, feeds: Sequence[Any]) -> OpError:
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

    def _check_initialized(self) -> None:
        for key in self.plan.required:
            ref = self.plan.variables[key]
            storage = self.store.variable(key, ref.dtype, ref.sizes)
            if not storage.initialized:
                raise FailedPreconditionError(
                    None, None, f"Attempting to use uninitialized value {key}: run its initializer first."
                )
        self.ready = True

    def _array(self, view: View) -> np.ndarray[Any, Any]:
        if view not in self.arrays:
            memory, offset = self._memory(view.buffer)
            flat = memory.reshape(-1).view(np.uint8) if memory.dtype != np.uint8 else memory.reshape(-1)
            offset += view.offset
            self.arrays[view] = np.ndarray(view.sizes, view.dtype.numpy, flat, offset, view.strides)
        return self.arrays[view]

    def _memory(self, buffer: Buffer) -> tuple[np.ndarray[Any, Any], int]:
        if buffer.storage is Storage.ARENA:
            return self.arena, buffer.offset
        if buffer.storage is Storage.FEED:
            return self.feed_memory.setdefault(buffer, _aligned(buffer.nbytes)), 0
        ref = self.plan.variables[buffer.key]
        storage = self.store.variable(ref.key, ref.dtype, ref.sizes)
        return storage.allocate(ref.sizes), 0  # type: ignore[arg-type]

    def _operand(self, place: Place, value: Value) -> Any:
        """An array, a Slot, or the storage of a variable."""
        if place is None:
            return storage_of(self.store, value) if value.variable is not None else None
        if isinstance(place, Cell):
            return self.cells.setdefault(place, Slot())
        if place.buffer.storage is Storage.CONSTANT:
            return self._constant(place)
        return self._array(place)

    def _constant(self, view: View) -> np.ndarray[Any, Any]:
        if view not in self.arrays:
            base = view.buffer.array
            if base is None:
                raise TypeError(f"the constant {view.buffer.key} has no array")
            if view.sizes == base.shape and view.strides == base.strides and view.offset == 0:
                self.arrays[view] = base
            else:
                self.arrays[view] = _window(base, view)
        return self.arrays[view]

    def _bind_step(self, step: Step) -> list[Call]:
        node = step.node
        inputs = [self._operand(p, v) for p, v in zip(step.inputs, node.inputs, strict=True)]
        outputs = [self._operand(p, v) for p, v in zip(step.outputs, node.outputs, strict=True)]
        if node.type == "ReadVariableOp":
            return [partial(_read, inputs[0], outputs[0])]
        if node.type in INITIALIZERS:
            return self._bind_assign(node, inputs)
        if node.type in ("_MultiUpdate", "_SparseUpdate"):
            return self._bind_updates(node, inputs)
        if node.definition.update_function is not None:
            return self._bind_update(node, inputs)
        if not any(isinstance(x, Slot | VariableStorage) for x in [*inputs, *outputs]):
            calls = _bind_static(node, inputs, outputs)
            if calls is not None:
                return calls
            if node.definition.bound_function is not None:
                context = KernelContext(node.name, node.attrs, self.runtime)
                return [
                    node.definition.bound_function(context, inputs, outputs, **node.definition.kernel_attrs(node.attrs))
                ]
        return [partial(_compute, compute_of(node, self.runtime), inputs, outputs)]

    def _bind_assign(self, node: Node, inputs: list[Any]) -> list[Call]:
        storage, value = inputs
        if isinstance(value, np.ndarray) and storage.sizes is not None and storage.sizes == value.shape:
            storage.allocate(value.shape)
        return [partial(_assign, self, storage, value, validates(node))]

    def _bind_updates(self, node: Node, inputs: list[Any]) -> list[Call]:
        calls: list[Call] = []
        start = 0
        for definition, attrs, count, name in node.attrs["parts"]:
            part = Node(definition, name, attrs, node.inputs[start : start + count], [], node.order, node.origin)
            calls += self._bind_update(part, inputs[start : start + count], node.type == "_SparseUpdate")
            start += count
        return calls

    def _bind_update(self, node: Node, inputs: list[Any], sums: bool = False) -> list[Call]:
        definition = node.definition
        names = [a.name for a in definition.inputs]
        places = [names.index(n) for n in definition.updated]
        storages = [inputs[i] for i in places]
        others = [x for i, x in enumerate(inputs) if i not in places]
        attrs = definition.kernel_attrs(node.attrs)
        function = definition.update_function
        if function is None:
            raise TypeError(f"{node.describe()} updates nothing")
        by_rows = rows_updated(definition, storages)
        if by_rows is not None:
            return [partial(_update_by_rows, function, storages, others, by_rows, attrs)]
        if sums:
            function = partial(update_summed, function, names.index("grad"), names.index("indices"))
        if any(s.sizes is None or None in s.sizes for s in storages) or any(isinstance(x, Slot) for x in others):
            return [partial(_update_dynamic, function, storages, others, attrs)]
        arrays = [s.allocate(s.sizes) for s in storages]
        return [partial(function, np, *arrays, *others, **attrs)]

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
            return partial(_fetch_copy if again else _fetch_slot, self.cells.setdefault(place, Slot()))
        array = self._constant(place) if place.buffer.storage is Storage.CONSTANT else self._array(place)
        return partial(array.__getitem__, ()) if array.ndim == 0 else array.copy

    def array_at(self, place: View | Cell) -> Any:
        """What lies at a place: an array on the planned memory, or what a cell holds just now."""
        if isinstance(place, Cell):
            return self.cells.setdefault(place, Slot()).value
        return self._constant(place) if place.buffer.storage is Storage.CONSTANT else self._array(place)

    def feed_order(self) -> list[Tensor]:
        """The fed tensors in the order in which `run` takes their values."""
        return list(self.plan.feeds)


def _with_lock(lock: threading.Lock, call: Call) -> None:
    with lock:
        call()


def _changes_variables(node: Node) -> bool:
    """Whether a kernel changes variables itself: functions do so by programs of their own."""
    functions = node.origin is not None and functions_of(node.origin)
    return bool(node.writes) and not functions and not node.definition.blocking


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


def _arena(nbytes: int) -> np.ndarray[Any, Any]:
    try:
        return _aligned(nbytes)
    except MemoryError:
        raise ResourceExhaustedError(
            None, None, f"A step needs {nbytes} bytes of memory, more than there are"
        ) from None


def _aligned(nbytes: int) -> np.ndarray[Any, Any]:
    try:
        if nbytes >= _MAPPED_FROM:
            return _mapped(nbytes)
        memory = np.zeros(max(nbytes, 1) + ALIGNMENT, np.uint8)
    except (MemoryError, OSError, OverflowError):
        raise ResourceExhaustedError(None, None, f"The step needs {nbytes} bytes, more than can be had") from None
    start = -memory.__array_interface__["data"][0] % ALIGNMENT
    return memory[start : start + max(nbytes, 1)]


def _mapped(nbytes: int) -> np.ndarray[Any, Any]:
    """Memory of its own, which the system has again when it is not needed, and not only the allocator."""
    memory = mmap.mmap(-1, nbytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE") and nbytes >= _LARGE_PAGES_FROM:
        # As NumPy does for arrays of that size; a system without large pages refuses.
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)


def _window(base: np.ndarray[Any, Any], view: View) -> np.ndarray[Any, Any]:
    data = np.ascontiguousarray(base) if base.flags.c_contiguous else base
    return np.ndarray(view.sizes, data.dtype, data, view.offset, view.strides)


def _bind_static(node: Node, inputs: list[Any], outputs: list[Any]) -> list[Call] | None:
    """Calls with everything bound, or None where the kernel must allocate."""
    definition = node.definition
    expression = expression_of(node)
    if expression is not None:
        return bind_expression(expression, inputs, outputs[0])
    if definition.into_function is None or not outputs:
        return None
    out = outputs[0] if len(definition.outputs) == 1 and not definition.outputs[0].is_list else tuple(outputs)
    grouped = definition.group_inputs(inputs, node.attrs)
    return [partial(definition.into_function, np, out, *grouped, **definition.kernel_attrs(node.attrs))]


def _value(operand: Any) -> Any:
    return operand.value if isinstance(operand, Slot) else operand


def _compute(compute: Callable[[Sequence[Any]], list[Any]], inputs: list[Any], outputs: list[Any]) -> None:
    values = [x.value if isinstance(x, Slot) else x for x in inputs]
    taken = set(map(id, values))
    for out, result in zip(outputs, compute(values), strict=True):
        if isinstance(out, Slot):
            # A view of an input would change when the input's memory is used again, one array as two outputs with either.
            owned = not isinstance(result, np.ndarray) or (result.base is None and id(result) not in taken)
            out.value = result if owned else result.copy()
            taken.add(id(result))
        elif out is not None:
            np.copyto(out, result)


def _read(storage: VariableStorage, out: Any) -> None:
    if isinstance(out, Slot):
        out.value = storage.value().copy()
    else:
        np.copyto(out, storage.value())


def _assign(program: CpuProgram, storage: VariableStorage, value: Any, validate: bool | None) -> None:
    program.gave_first_value = program.gave_first_value or not storage.initialized
    assign(program.store, storage, _value(value), validate)


def _update_dynamic(
    function: Callable[..., Any], storages: list[VariableStorage], others: list[Any], attrs: dict[str, Any]
) -> None:
    function(np, *(s.value() for s in storages), *map(_value, others), **attrs)


def _update_by_rows(
    function: Callable[..., Any], storages: list[Any], others: list[Any], place: int, attrs: dict[str, Any]
) -> None:
    update_rows(function, storages, [_value(x) for x in others], place, attrs)


def _fetch_slot(slot: Slot) -> Any:
    value = slot.value
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _fetch_copy(slot: Slot) -> Any:
    # What is fetched under two names must not be one array.
    value = _fetch_slot(slot)
    return value.copy() if isinstance(value, np.ndarray) else value
