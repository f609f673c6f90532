"""What programs on planned memory share: arrays, slots and storages behind places, and single steps as NumPy calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import length_hint
from typing import Any

import numpy as np

from ..errors import FailedPreconditionError, OpError
from ..function import functions_of
from ..graph import Tensor
from ..kernels.optimizer_blocks import update_summed
from ..plan.buffers import Buffer, Cell, Place, Storage, View
from ..plan.plan import INITIALIZERS, Plan, Step
from ..recorder import Recorder
from ..resources import ResourceStore, VariableStorage
from ..rewriting.dataflow import Node, Value, is_narrowed
from ..rewriting.fuse import expression_of
from ..rewriting.lower import LOOKING
from ..runtime import KernelContext, Runtime
from .arguments import compute_of
from .elementwise import bind_expression
from .failures import failure_of
from .memory import aligned, constant_array
from .native_steps import SegmentFailedError
from .variables import assign, check_plan, rows_updated, storage_of, update_rows, validates

Call = Callable[[], Any]
Put = Callable[[Any], Any]


# Of those that take variables and leave them as they are, those whose native kernels read the array.
_READING = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})


class Slot:
    """Where a value of unknown shape is kept while a step runs."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None


class PlannedProgram:
    """A plan with the memory and the variables that its steps use, and what any backend may run of it on NumPy."""

    # What steps that do not run on NumPy run as.
    native_name = "native"

    def __init__(self, plan: Plan, runtime: Runtime) -> None:
        self.plan = plan
        self.runtime = runtime
        self.store: ResourceStore = runtime.resources
        self.generation = -1
        self.calls: list[Call] = []
        self.nodes: list[Node] = []
        self.feed_puts: list[Put] = []
        self.fetch_gets: list[Call] = []
        # As these, but what is large stays where it is: on a device.
        self.there_gets: list[Call] = []
        self.slots: list[Slot] = []
        # Whether nothing that is called gives NumPy's warnings.
        self.quiet = False
        self.ready = False
        # Initializers mostly run once: their memory is not kept, and what runs again is bound anew, natively then.
        self.gave_first_value = False

    def run(self, feeds: Sequence[Any], recorder: Recorder | None = None, there: bool = False) -> list[Any]:
        """The fetched values, given the fed ones in the plan's order; arrays of the planned dtype and shape.

        With `there`, large values are fed and fetched as a device's DeviceValues.
        """
        if self.generation != self.store.generation:
            self.bind()
        if not self.ready:
            self._check_initialized()
        puts, bound, gets = self.feed_puts, self.calls, self.fetch_gets
        if recorder is not None:
            puts, bound, gets = self._traced(recorder)
        if there:
            gets = self.there_gets
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
            raise self._failure(self.plan.steps[failed.step], feeds) from None
        except Exception as error:
            done = len(self.calls) - length_hint(calls)
            raise failure_of(error, self.nodes[done - 1]) from error
        finally:
            for slot in self.slots:
                slot.value = None
        return results

    def bind(self) -> None:
        """Binds the steps to memory, anew where a variable has other memory than before."""
        raise NotImplementedError

    def _traced(self, recorder: Recorder) -> tuple[list[Put], list[Call], list[Call]]:
        """Feeds, calls and fetches that leave records."""
        raise NotImplementedError

    def _failure(self, step: Step, feeds: Sequence[Any]) -> OpError:
        """What the NumPy kernel raises for values that another refused."""
        raise NotImplementedError

    def notes(self) -> list[str]:
        """Lines about the bound program for those who look at it."""
        return []

    def _begin_binding(self) -> int:
        """Forgets what was bound; gives the store's generation, to be noted when all is bound."""
        generation = self.store.generation
        self.ready = False
        self.arrays: dict[View, np.ndarray[Any, Any]] = {}
        self.cells: dict[Cell, Slot] = {}
        self.feed_memory: dict[Buffer, np.ndarray[Any, Any]] = {}
        self.calls, self.nodes = [], []
        for key, ref in self.plan.variables.items():
            check_plan(self.store.variable(key, ref.dtype, ref.sizes), ref.sizes)
        self.reasons: dict[int, str] = {}
        return generation

    def _arena_memory(self, buffer: Buffer) -> tuple[np.ndarray[Any, Any], int]:
        """The host memory of a buffer of the arena, and where in it the buffer begins."""
        raise NotImplementedError

    def _check_initialized(self) -> None:
        for key in self.plan.required:
            if not self._variable(key).initialized:
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
            return self._arena_memory(buffer)
        if buffer.storage is Storage.FEED:
            return self.feed_memory.setdefault(buffer, aligned(buffer.nbytes)), 0
        return self._variable(buffer.key).allocate(self.plan.variables[buffer.key].sizes), 0  # type: ignore[arg-type]

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
            self.arrays[view] = constant_array(view)
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
        if is_narrowed(node):
            return [partial(_compute, partial(_computed_wide, node, compute_of(node, self.runtime)), inputs, outputs)]
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
        if any(_is_narrow(x) for x in others) and not _is_narrow(arrays[0]):
            return [partial(_update_wide, function, arrays, others, attrs)]
        return [partial(function, np, *arrays, *others, **attrs)]

    def array_at(self, place: View | Cell) -> Any:
        """What lies at a place: an array on the planned memory, or what a cell holds just now."""
        if isinstance(place, Cell):
            return self.cells.setdefault(place, Slot()).value
        return self._constant(place) if place.buffer.storage is Storage.CONSTANT else self._array(place)

    def feed_order(self) -> list[Tensor]:
        """The fed tensors in the order in which `run` takes their values."""
        return list(self.plan.feeds)

    def _alone(self, calls: list[Call]) -> list[Call]:
        """Calls while which no other step of this store changes variables."""
        return [partial(_with_lock, self.store.changing, call) for call in calls]

    def _numpy_calls(self, step: Step) -> list[Call]:
        """The calls of a step on NumPy, which find the variables on the host and change them alone."""
        calls = self._bind_step(step)
        calls = self._at_home([step], calls)
        return self._alone(calls) if changes_variables(step.node) else calls

    def _at_home(self, steps: Sequence[Step], calls: list[Call]) -> list[Call]:
        """Calls of some steps, before which the variables that they use come home from their devices."""
        if not self.store.on_devices:
            return calls
        storages = {s: True for step in steps for s in self._handled(step)}
        viewed = [self._variable(key) for step in steps for key in variables_viewed(step)]
        read = [step.node.inputs[0] for step in steps if step.node.type in _READING]
        viewed += [storage_of(self.store, handle) for handle in read if handle.variable is not None]
        storages = dict.fromkeys(viewed, False) | storages
        return [partial(_with_variables, list(storages.items()), call) for call in calls] if storages else calls

    def _variable_get(self, view: View, get: Call) -> Call:
        """What gets a variable's value, wherever the newest is."""
        if not self.store.on_devices:
            return get
        return partial(_with_variables, [(self._variable(view.buffer.key), False)], get)

    def _handled(self, step: Step) -> Iterable[VariableStorage]:
        """The variables that a step may change: bodies of loops and branches have programs of their own, which see to it."""
        if step.node.type in LOOKING:
            # What they read comes home.
            return []
        if step.node.origin is not None and functions_of(step.node.origin):
            return []
        return [storage_of(self.store, v) for v in step.node.inputs if v.variable is not None]

    def _variable(self, key: str) -> VariableStorage:
        ref = self.plan.variables[key]
        return self.store.variable(ref.key, ref.dtype, ref.sizes)


def _with_lock(lock: threading.Lock, call: Call) -> None:
    with lock:
        call()


def changes_variables(node: Node) -> bool:
    """Whether a kernel changes variables itself: functions do so by programs of their own."""
    functions = node.origin is not None and functions_of(node.origin)
    return bool(node.writes) and not functions and not node.definition.blocking


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


def _is_narrow(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.itemsize == 2 and x.dtype.kind in "fV"


def _wide(x: Any) -> Any:
    return x.astype(np.float32) if _is_narrow(x) else x


def _computed_wide(node: Node, compute: Callable[[Sequence[Any]], list[Any]], inputs: Sequence[Any]) -> list[Any]:
    """The results in float32, then in the dtypes that the node's outputs have."""
    results = compute([_wide(x) for x in inputs])
    return [r.astype(v.dtype.numpy, copy=False) for r, v in zip(results, node.outputs, strict=True)]


def _update_wide(function: Callable[..., Any], arrays: Sequence[Any], others: Sequence[Any], attrs: Any) -> None:
    function(np, *arrays, *map(_wide, others), **attrs)


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
        out.value = storage.read().copy()
    else:
        np.copyto(out, storage.read())


def _assign(program: PlannedProgram, storage: VariableStorage, value: Any, validate: bool | None) -> None:
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


def fetch_slot(slot: Slot) -> Any:
    """What a slot holds; scalars as NumPy's."""
    value = slot.value
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def fetch_copy(slot: Slot) -> Any:
    """As `fetch_slot`, an array of its own."""
    # What is fetched under two names must not be one array.
    value = fetch_slot(slot)
    return value.copy() if isinstance(value, np.ndarray) else value


def variables_viewed(step: Step) -> list[str]:
    """The keys of the variables whose memory a step reads as it is."""
    views = [p for p in step.inputs if isinstance(p, View) and p.buffer.storage is Storage.VARIABLE]
    return [view.buffer.key for view in views]


def _with_variables(storages: list[tuple[VariableStorage, bool]], call: Call) -> Any:
    for storage, _ in storages:
        storage.come_home()
    try:
        return call()
    finally:
        for storage, changes in storages:
            if changes:
                storage.changed_at_home()
