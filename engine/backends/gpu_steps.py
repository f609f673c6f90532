"""Steps of a plan bound to a device: arrays of its memory, and the work that bindings make of nodes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..device import DeviceSpec
from ..errors import ResourceExhaustedError
from ..gpu.calls import GPU_BINDINGS, Binding, Bound, DeviceArray, Launch, row_major
from ..gpu.device import Call, Device
from ..gpu.memory import DeviceCopy, DeviceMemory, table
from ..gpu.pieces import Added, Pieces, Scratch, StepValues
from ..gpu.source import Kernel
from ..gpu.sums import Part
from ..plan.buffers import Buffer, Place, Storage, View
from ..plan.plan import INITIALIZERS, Plan, Step
from ..resources import ResourceStore, RowStorage, VariableStorage
from ..rewriting.dataflow import Node, Value, kind_of
from ..rewriting.fuse import expression_of
from ..runtime import KernelContext, Runtime
from ..unsupported import UnsupportedError
from .gpu_segments import Results
from .memory import constant_array
from .variables import storage_of

# What bindings say of arrays whose elements do not lie in a row.
STRIDED = "strided memory"


@dataclass(eq=False)
class DeviceStep:
    """The work of a step, and the variables that it uses with whether it changes them."""

    work: list[Launch | Call]
    variables: dict[VariableStorage, tuple[DeviceCopy, bool]] = field(default_factory=dict)
    inputs: list[Added] = field(default_factory=list)
    # Whether a kernel of it may set the error word.
    fallible: bool = False
    # What explain says of how the work is done.
    remarks: list[str] = field(default_factory=list)
    # The sums over ranks in it.
    parts: list[Part] = field(default_factory=list)
    # From where to where it reads and writes.
    reads: list[tuple[int, int]] = field(default_factory=list)
    writes: list[tuple[int, int]] = field(default_factory=list)


def kernels_of(work: Iterable[Launch | Call]) -> list[Kernel]:
    """What must be loaded before work is prepared."""
    return list(dict.fromkeys(item.kernel for item in work if isinstance(item, Launch)))


def calls_of(work: Iterable[Launch | Call], device: Device, functions: Any) -> list[Call]:
    """The prepared work."""
    return [item.prepare(device, functions) if isinstance(item, Launch) else item for item in work]


def has_binding(node: Node) -> bool:
    """Whether a device may have a kernel for a node."""
    return node.type in GPU_BINDINGS or expression_of(node) is not None


class DeviceMemories:
    """The memory of one program on a device, and the binding of its steps to it."""

    def __init__(self, plan: Plan, runtime: Runtime, device: Device, precision: str = "float32") -> None:
        self.plan = plan
        self.runtime = runtime
        self.store: ResourceStore = runtime.resources
        self.device = device
        self.precision = precision
        self.results = Results(device)
        self.values = StepValues(device)
        self.scratch = Scratch(device)
        self._pieces = Pieces(device, "tables and fed values")
        self._constants = _constants_of(plan, device)
        self._fed: dict[Buffer, int] = {}
        self._arena: DeviceMemory | None = None
        self._copies: dict[VariableStorage, DeviceCopy] = {}
        self._notes: dict[Any, Any] = {}

    def bind(self, number: int, step: Step) -> DeviceStep:
        """The work of the plan's step `number`; UnsupportedError says why the device cannot do it."""
        node = step.node
        _require_possible(step, [storage_of(self.store, v) for v in node.inputs if v.variable is not None])
        expression = expression_of(node)
        binding = GPU_BINDINGS.get(node.type if node.type in GPU_BINDINGS or expression is None else "_Fused")
        if binding is None:
            raise UnsupportedError("no GPU kernel")
        self._copies = {}
        inputs = [self._input(p, v) for p, v in zip(step.inputs, node.inputs, strict=True)]
        outputs = [self._array(p) for p, v in zip(step.outputs, node.outputs, strict=True) if v.variable is None]
        bound = Bound(node.type, self.device, inputs, outputs, node.definition.kernel_attrs(node.attrs), node.attrs)
        bound.constants = [v.node.constant for v in node.inputs]
        bound.expression = expression
        bound.context = KernelContext(node.name, node.attrs, self.runtime)
        bound.error, bound.step = self.results.error, number + 1
        bound.precision = self.precision
        bound.allocate_scratch = self.scratch.take
        bound.allocate_step_value = self.values.add
        bound.allocate_table = self._pieces.put
        bound.allocate_kept = self._pieces.take
        bound.notes = self._notes
        try:
            self._carry_out(bound, binding)
        finally:
            values = self.values.taken()
        variables = {s: (c, s.name in node.writes) for s, c in self._copies.items()}
        fallible = _may_fail(bound.work, bound.error)
        reads, writes = [x.span for x in inputs], [x.span for x in outputs]
        changed = [x.span for x, v in zip(inputs, node.inputs, strict=True) if v.variable is not None and node.writes]
        return DeviceStep(
            bound.work, variables, values, fallible, bound.remarks, bound.parts, reads, [*writes, *changed]
        )

    def _carry_out(self, bound: Bound, binding: Binding) -> None:
        """Lets a binding add its work; where it cannot read memory with gaps, on copies without them."""
        self.scratch.next_node()
        try:
            binding(bound)
        except UnsupportedError as error:
            if str(error) != STRIDED or all(x.contiguous for x in bound.inputs):
                raise
            self.values.taken()
            self.scratch.next_node()
            bound.work, bound.remarks = [], []
            bound.inputs = [x if x.contiguous else _packed(bound, x) for x in bound.inputs]
            binding(bound)

    def table(self, values: np.ndarray[Any, Any]) -> DeviceArray:
        """A small array that never changes."""
        return self._pieces.put(values)

    def address(self, buffer: Buffer) -> int:
        """Where a buffer of the arena or of fed values begins."""
        if buffer.storage is Storage.ARENA:
            if self._arena is None:
                self._arena = self._new_arena()
            return self._arena.address + buffer.offset
        if buffer not in self._fed:
            self._fed[buffer] = self._pieces.take(buffer.nbytes)
        return self._fed[buffer]

    def constant(self, view: View) -> DeviceArray:
        """A constant, in row-major order."""
        return self._constants.array(view)

    def packed(self, view: View) -> tuple[DeviceArray, list[Call]]:
        """Memory for the elements of a view with gaps, and the calls that copy them there in row-major order."""
        from ..gpu.bindings.movement import copy_view  # bindings are imported where a device is used

        array = self._array(view)
        strides = row_major(array.shape, array.dtype)
        packed = DeviceArray(self._pieces.take(array.nbytes), array.dtype, array.shape, strides)
        bound = Bound("Identity", self.device, [array], [packed], {})
        copy_view(bound, packed, array)
        return packed, calls_of(bound.work, self.device, self.device.load(kernels_of(bound.work)))

    def copy_of(self, view: View) -> DeviceCopy | None:
        """The copy of the variable that a view sees; None for one that has no place on devices."""
        ref = self.plan.variables[view.buffer.key]
        storage = self.store.variable(ref.key, ref.dtype, ref.sizes)
        try:
            self._variable(storage)
        except UnsupportedError:
            return None
        return self._copies[storage]

    def is_fed(self, buffer: Buffer) -> bool:
        """Whether a step on the device reads a fed value."""
        return buffer in self._fed

    def _new_arena(self) -> DeviceMemory:
        try:
            return DeviceMemory(self.device, self.plan.arena_bytes, "the arena of a step")
        except ResourceExhaustedError as error:
            rows = table(live_tensors(self.plan))
            text = f"{error.message}\nThe largest tensors of the step that live at once:\n{rows}"
            raise ResourceExhaustedError(None, None, text) from None

    def _input(self, place: Place, value: Value) -> DeviceArray:
        if value.variable is None:
            return self._array(place)
        storage = storage_of(self.store, value)
        return self._variable(storage)

    def _array(self, place: Place) -> DeviceArray:
        if not isinstance(place, View):
            raise UnsupportedError("a shape that is known only when it runs")
        dtype, storage = place.dtype.numpy, place.buffer.storage
        if storage is Storage.CONSTANT:
            return self._constants.array(place)
        if storage is Storage.VARIABLE:
            ref = self.plan.variables[place.buffer.key]
            start = self._variable(self.store.variable(ref.key, ref.dtype, ref.sizes)).address
        else:
            start = self.address(place.buffer)
        return DeviceArray(start + place.offset, dtype, place.sizes, place.strides)

    def _variable(self, storage: VariableStorage) -> DeviceArray:
        if isinstance(storage, RowStorage):
            raise UnsupportedError("the variable is kept by rows")
        sizes = storage.sizes
        if sizes is None or None in sizes or storage.dtype.numpy.hasobject:
            raise UnsupportedError("a variable whose shape may change")
        shape: tuple[int, ...] = sizes  # type: ignore[assignment]
        copy = storage.on(self.device, lambda nbytes: DeviceMemory(self.device, nbytes, storage.name, str(list(shape))))
        self._copies[storage] = copy
        dtype = storage.dtype.numpy
        return DeviceArray(copy.memory.address, dtype, shape, storage.value_at_home().strides)


class _Constants:
    """The constants of a plan on a device, shared by all of its programs."""

    def __init__(self, device: Device) -> None:
        self._pieces = Pieces(device, "constants")
        self._arrays: dict[View, DeviceArray] = {}

    def array(self, view: View) -> DeviceArray:
        if view not in self._arrays:
            self._arrays[view] = self._pieces.put(constant_array(view))
        return self._arrays[view]


# Held by programs: a plan that waits to be used again must not keep memory of the device.
_of_plans: weakref.WeakKeyDictionary[Plan, weakref.WeakValueDictionary[int, _Constants]] = weakref.WeakKeyDictionary()


def _constants_of(plan: Plan, device: Device) -> _Constants:
    return _of_plans.setdefault(plan, weakref.WeakValueDictionary()).setdefault(id(device), _Constants(device))


def pinned(node: Node) -> str | None:
    """The device string of what asks for a CPU in a node; None if nothing does."""
    return next((d for d in (node.device, *(op.device for op in node.fused)) if d and on_cpu(d)), None)


def _require_possible(step: Step, storages: Iterable[VariableStorage]) -> None:
    node = step.node
    device = pinned(node)
    if device is not None:
        raise UnsupportedError(f"placed on {device}")
    if node.at_home:
        raise UnsupportedError("small, and the host needs it")
    if not has_binding(node):
        raise UnsupportedError("no GPU kernel")
    if node.type in INITIALIZERS and not all(storage.initialized for storage in storages):
        raise UnsupportedError("the first value of a variable")
    pairs = [*zip(step.inputs, node.inputs, strict=True), *zip(step.outputs, node.outputs, strict=True)]
    places = [place for place, value in pairs if value.variable is None]
    if not all(isinstance(place, View) for place in places):
        raise UnsupportedError("a shape that is known only when it runs")
    if any(isinstance(place, View) and place.dtype.numpy.hasobject for place in places):
        raise UnsupportedError("strings or handles")


@lru_cache(maxsize=4096)
def on_cpu(device: str) -> bool:
    """Whether a device string asks for a CPU."""
    return DeviceSpec.from_string(device).device_type == "CPU"


def live_tensors(plan: Plan) -> list[tuple[str, str, int]]:
    """(name and op, dtype and shape, bytes) of what lives in the arena at the step that needs the most of it."""
    made = {p.buffer: (s.node, p) for s in plan.steps for p in s.outputs if isinstance(p, View)}
    arena = [b for b in plan.buffers if b.storage is Storage.ARENA and b in made]
    moments = {b.first for b in arena}
    peak = max(moments, key=lambda i: sum(b.nbytes for b in arena if b.first <= i <= b.last), default=0)
    live = [(b, *made[b]) for b in arena if b.first <= peak <= b.last]
    return [
        (f"{buffer.key} ({kind_of(node)})", f"{view.dtype.name}{list(view.sizes)}", buffer.nbytes)
        for buffer, node, view in live
    ]


def _packed(bound: Bound, array: DeviceArray) -> DeviceArray:
    from ..gpu.bindings.movement import copy_view  # bindings are imported where a device is used

    packed = bound.scratch(array.shape, array.dtype)
    copy_view(bound, packed, array)
    return packed


def _may_fail(work: Sequence[Launch | Call], error: int) -> bool:
    """Whether a kernel gets the error word to write it."""
    launches = [item for item in work if isinstance(item, Launch)]
    given = [pair for item in launches for pair in zip(item.kernel.parameters, item.arguments, strict=True)]
    return any(argument == error and "const" not in kind for (kind, _), argument in given)
