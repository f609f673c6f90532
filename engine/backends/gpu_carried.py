"""Steps of a program on a device that hand values on without looking at them: loops, branches, calls, and lists of tensors.

They run in Python. Values stay in the device's memory, or in the host's: as arguments of functions, as what these give, and as
items. Single whole numbers are carried by the host: they count, choose and index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ResourceExhaustedError
from ..gpu.device import Device
from ..gpu.memory import DeviceCopy, Turn
from ..gpu.values import FEW, DeviceValue, Pool, at_home
from ..list_value import ListValue, owned
from ..ops.tensor_list import element_sizes
from ..plan.buffers import Buffer, Cell, Place, Storage, View
from ..plan.plan import Plan, Step
from ..resources import VariableStorage
from ..rewriting.dataflow import Node, Value
from ..runtime import FunctionCaller, KernelContext, Runtime
from ..static import flatten_outputs
from .gpu_deferred import late, may_ask_late
from .gpu_ends import Given
from .gpu_moves import Inlet, Outlet
from .gpu_residence import Access, Side
from .gpu_steps import pinned
from .planned import Call, Slot

if TYPE_CHECKING:
    from .gpu import GpuProgram

Array = np.ndarray[Any, Any]
Compute = Callable[[list[Any]], list[Any]]
Get = Callable[[], Any]
_Put = Callable[[Any, set[int]], None]
# What was taken, where nothing was that could be given.
_NOBODY: set[int] = set()

FUNCTIONS = "calls functions, which have programs of their own"
CALLS = frozenset({"If", "While", "PartitionedCall", "StatefulPartitionedCall"})
# Of what makes and changes lists of tensors: which input is a tensor that may stay on the device, and whether it is kept
# as it is, as an item.
_TENSOR = {"TensorListPushBack": 1, "TensorListSetItem": 2, "TensorListFromTensor": 0}
_TAKING = frozenset({"TensorListPushBack", "TensorListSetItem"})
_CARRYING = CALLS | _TENSOR.keys() | {"TensorListPopBack", "TensorListGetItem", "TensorListStack"}


def carries(step: Step) -> bool:
    """Whether a step hands values on; what is placed on a CPU has them there."""
    return step.node.type in _CARRYING and pinned(step.node) is None


def may_stay(place: Place) -> bool:
    """Whether what lies at a place may be carried in the device's memory."""
    return isinstance(place, View) and place.nbytes > 0 and not place.dtype.numpy.hasobject


def counts(place: View) -> bool:
    """Whether a place is one of a whole number or truth value, which the host looks at."""
    return not place.sizes and place.dtype.numpy.kind in "iub"


def stays_there(place: Place) -> bool:
    """Whether what a step that carries gives is put on the device."""
    return may_stay(place) and isinstance(place, View) and place.contiguous and not counts(place)


def taken_there(step: Step) -> list[bool]:
    """For each input of a step that carries, whether it takes it where it is, on the device too."""
    node = step.node
    return [may_stay(p) and (node.type in CALLS or _TENSOR.get(node.type) == i) for i, p in enumerate(step.inputs)]


def is_whole(view: View) -> bool:
    """Whether a view is one of a whole fed value."""
    return view.buffer.storage is Storage.FEED and view.contiguous and view.nbytes == view.buffer.nbytes


def lent_in_part(step: Step) -> list[Buffer]:
    """The fed values of which a step that carries takes a part, on the device."""
    if not carries(step):
        return []
    pairs = zip(step.inputs, taken_there(step), strict=True)
    views = [p for p, there in pairs if there and isinstance(p, View) and p.buffer.storage is Storage.FEED]
    return [view.buffer for view in views if not is_whole(view)]


def carried_access(step: Step) -> Access[Buffer]:
    """What a step that carries reads and writes where."""
    kept = Storage.ARENA, Storage.FEED
    views = [
        (p.buffer, there)
        for p, there in zip(step.inputs, taken_there(step), strict=True)
        if isinstance(p, View) and p.buffer.storage in kept
    ]
    outputs = [p for p in step.outputs if isinstance(p, View)]
    return Access(
        Side.HOST,
        tuple(buffer for buffer, there in views if not there),
        tuple(p.buffer for p in outputs if not stays_there(p)),
        tuple(buffer for buffer, there in views if there),
        tuple(p.buffer for p in outputs if stays_there(p)),
    )


def opaque_cells(plan: Plan) -> set[Cell]:
    """The cells whose values nobody looks at: functions alone are given them, lists keep them, and functions give them."""
    made = {p for s in plan.steps for p in s.outputs if isinstance(p, Cell)}
    made |= {p for p in plan.feeds.values() if isinstance(p, Cell)}
    looked_at = {p for s in plan.steps for i, p in enumerate(s.inputs) if isinstance(p, Cell) and not _hands_on(s, i)}
    return made - looked_at - (set() if plan.of_function else {p for p in plan.fetches if isinstance(p, Cell)})


def _hands_on(step: Step, place: int) -> bool:
    return carries(step) and (step.node.type in CALLS or _TENSOR.get(step.node.type) == place)


def carried_call(program: GpuProgram, number: int, sides: Mapping[Buffer, frozenset[Side]]) -> Call:
    """The call of a step that carries, given where its inputs are."""
    step = program.plan.steps[number]
    inputs = zip(step.inputs, step.node.inputs, taken_there(step), strict=True)
    gets = [_get(program, number, place, value, sides if there else None) for place, value, there in inputs]
    puts = [_put(program, number, p) for p in step.outputs]
    if step.node.type == "TensorListPushBack" and isinstance(step.outputs[0], Cell):
        slot, get_list, get_item = program.cells[step.outputs[0]], *gets
        if isinstance(get_item, Outlet):
            return partial(_push_left, get_list, get_item, slot)
        return partial(_push, get_list, get_item, slot)
    if step.node.type == "TensorListPopBack" and isinstance(step.outputs[1], View):
        return partial(_pop, _compute(program, step), gets, *puts)
    return partial(_carry, _compute(program, step), gets, puts)


def _carry(compute: Compute, gets: Sequence[Get], puts: Sequence[_Put]) -> None:
    values = [get() for get in gets]
    taken = set(map(id, values))
    for put, result in zip(puts, compute(values), strict=True):
        put(result, taken)
        taken.add(id(result))


# The two that loops do most, without the detours of the others.


def _push(get_list: Get, get_item: Get, slot: Slot) -> None:
    slot.value = get_list().push(owned(_kept(get_item())))


def _push_left(get_list: Get, outlet: Outlet, slot: Slot) -> None:
    item = outlet.given.value[outlet.place]
    if item is None or item.shape != outlet.sizes:
        item = _kept(outlet())
    slot.value = get_list().push(item)


def _pop(compute: Compute, gets: Sequence[Get], put_list: _Put, put_item: _Put) -> None:
    rest, item = gets[0]().pop()
    if item is None:
        rest, item = compute([get() for get in gets])
    put_list(rest, _NOBODY)
    put_item(item, _NOBODY)


# Inputs


def _get(
    program: GpuProgram, number: int, place: Place, value: Value, sides: Mapping[Buffer, frozenset[Side]] | None
) -> Get:
    if sides is not None and isinstance(place, View):
        if is_whole(place):
            return _handed_on(program, place)
        there = _lent(program, place, sides)
        if there is not None:
            moved = program.moving.outlet(number, place, there) if program.moving is not None else None
            return moved or there
    operand = program._operand(place, value)
    if isinstance(operand, Slot):
        return partial(getattr, operand, "value")
    if isinstance(place, View) and place.buffer.storage is Storage.VARIABLE:
        return program._variable_get(place, lambda: operand)
    return lambda: operand


def _handed_on(program: GpuProgram, view: View) -> Get:
    """What gives a fed value: as it was given, or in the memory where the device has it."""
    given = program.given.setdefault(view.buffer, Given(view.dtype.numpy))
    if view.nbytes <= FEW:
        return partial(given.array, view.sizes)
    address = program.memories.address(view.buffer)
    return partial(_given_or_lent, given, partial(program.pool.lent, address, view.dtype.numpy, view.sizes), view.sizes)


def _given_or_lent(given: Given, lent: Get, sizes: tuple[int, ...]) -> DeviceValue:
    there = given.there(sizes)
    return lent() if there is None else there


def _lent(program: GpuProgram, view: View, sides: Mapping[Buffer, frozenset[Side]]) -> Get | None:
    """What gives a large value in the device's memory; None where it is on the host."""
    pool, dtype, sizes = program.pool, view.dtype.numpy, view.sizes
    storage = view.buffer.storage
    if counts(view) and storage is Storage.CONSTANT:
        return None
    if storage is Storage.CONSTANT:
        # One and the same value in all runs: what has taken it once need not do so again.
        value = pool.lent(program.memories.constant(view).address, dtype, sizes)
        return lambda: value
    if storage is Storage.VARIABLE:
        copy = program.memories.copy_of(view) if view.contiguous else None
        return None if copy is None else partial(_of_variable, program._variable(view.buffer.key), copy, view, pool)
    found = sides[view.buffer]
    if Side.DEVICE not in found or (Side.HOST in found and counts(view)):
        return None
    return lent(program, view)


def lent(program: GpuProgram, view: View) -> Callable[[], DeviceValue]:
    """What gives a value of the arena or of what is fed in the device's memory, in a row."""
    pool, dtype, sizes = program.pool, view.dtype.numpy, view.sizes
    if view.contiguous:
        return partial(pool.lent, program.memories.address(view.buffer) + view.offset, dtype, sizes)
    packed, calls = program.memories.packed(view)
    return partial(_packed, calls, program.turn, pool, packed.address, dtype, sizes)


def _packed(
    calls: Sequence[Call], turn: Turn, pool: Pool, address: int, dtype: np.dtype[Any], sizes: tuple[int, ...]
) -> DeviceValue:
    with turn:
        for call in calls:
            call()
    return pool.lent(address, dtype, sizes)


def _of_variable(storage: VariableStorage, copy: DeviceCopy, view: View, pool: Pool) -> DeviceValue:
    if not copy.on_device:
        copy.to_device(storage.value_at_home())
    return pool.lent(copy.memory.address + view.offset, view.dtype.numpy, view.sizes)


# Outputs


def _put(program: GpuProgram, number: int, place: Place) -> _Put:
    if place is None:
        return _ignore
    if isinstance(place, Cell):
        slot = program.cells.setdefault(place, Slot())
        return partial(_keep, slot, place in program.opaque)
    if program.last_reads.get(place.buffer, -1) <= number:
        return _ignore
    if stays_there(place):
        address = program.memories.address(place.buffer) + place.offset
        inlet = program.moving.inlet(number, place) if program.moving is not None else None
        return partial(_place, program.device, program.turn, address, place.dtype.numpy, place.sizes, inlet)
    return partial(_write, program.array_at(place))


def _ignore(result: Any, taken: set[int]) -> None:
    """Where nobody reads it."""


def _keep(slot: Slot, opaque: bool, result: Any, taken: set[int]) -> None:
    if isinstance(result, np.ndarray):
        # A view of an input would change when the input's memory is used again, one array as two outputs with either.
        owned = result.base is None and result.flags.writeable and id(result) not in taken
        slot.value = result if owned else result.copy()
    elif isinstance(result, DeviceValue):
        # What was handed on may lie in memory that is used again.
        slot.value = _kept(result) if opaque else result.home()
    else:
        slot.value = result


def _place(
    device: Device,
    turn: Turn,
    address: int,
    dtype: np.dtype[Any],
    sizes: tuple[int, ...],
    inlet: Inlet | None,
    result: Any,
    taken: set[int],
) -> None:
    if isinstance(result, DeviceValue) and (result.dtype, result.shape) == (dtype, sizes):
        # What is only lent may lie where another value of the program is moved to.
        if inlet is not None and result.lasts:
            inlet.take(result)
        else:
            result.copy_to(address)
        return
    if isinstance(result, list):
        with turn:
            for i, item in enumerate(result):
                _put_at(device, address + i * item.nbytes, item)
        return
    array = np.empty(sizes, dtype)
    np.copyto(array, at_home(result))
    with turn:
        device.upload(address, array)


def _put_at(device: Device, address: int, item: DeviceValue | Array) -> None:
    if isinstance(item, DeviceValue):
        item.copy_to(address)
    else:
        device.upload(address, np.ascontiguousarray(item))


def _write(out: Array, result: Any, taken: set[int]) -> None:
    np.copyto(out, at_home(result))


# What is done


def _compute(program: GpuProgram, step: Step) -> Compute:
    node = step.node
    if node.type in CALLS:
        return _called(node, program.runtime)
    if node.type == "TensorListStack":
        return partial(_stacked, _of_lists(node), step.outputs[0])
    if node.type == "TensorListFromTensor":
        return partial(_sliced, _of_lists(node))
    return partial(_with_kept, _of_lists(node)) if node.type in _TAKING else _of_lists(node)


def _called(node: Node, runtime: Runtime) -> Compute:
    definition, attrs = node.definition, node.definition.kernel_attrs(node.attrs)
    context = KernelContext(node.name, node.attrs, replace(runtime, call=caller_there(runtime)))
    function = definition.state_function
    if function is None:
        raise TypeError(f"{node.describe()} calls nothing")

    def compute(values: list[Any]) -> list[Any]:
        return flatten_outputs(definition, function(context, *definition.group_inputs(values, node.attrs), **attrs))

    return partial(late, compute) if may_ask_late(node) else compute


def caller_there(runtime: Runtime) -> FunctionCaller:
    """What calls functions whose large results stay on the device, where there is such a thing."""
    there: FunctionCaller | None = getattr(runtime.call, "there", None)
    return there or runtime.call


def _of_lists(node: Node) -> Compute:
    definition, attrs = node.definition, node.definition.kernel_attrs(node.attrs)
    function = definition.kernel_function
    if function is None:
        raise TypeError(f"{node.describe()} has no kernel")
    return lambda values: flatten_outputs(definition, function(np, *values, **attrs))


def _with_kept(compute: Compute, values: list[Any]) -> list[Any]:
    """Items get memory of their own; on the host, if the device has none."""
    return compute([_kept(value) for value in values])


def _kept(value: Any) -> Any:
    if not isinstance(value, DeviceValue) or value.lasts:
        return value
    try:
        return value.pool.kept(value)
    except ResourceExhaustedError:
        return value.home()


def _sliced(compute: Compute, values: list[Any]) -> list[Any]:
    tensor, sizes = _kept(values[0]), values[1]
    if not isinstance(tensor, DeviceValue):
        return compute([tensor, sizes])
    return [ListValue(tensor.dtype, element_sizes(sizes), list(tensor.slices()))]


def _stacked(compute: Compute, place: Place, values: list[Any]) -> list[Any]:
    """Items that lie on the device and fit are not looked at: they are given as a list, to be put side by side."""
    items = values[0].items()
    if isinstance(place, View) and stays_there(place) and len(items) == place.sizes[0]:
        sizes, dtype = place.sizes[1:], place.dtype.numpy
        if any(isinstance(item, DeviceValue) for item in items) and all(_fits(item, sizes, dtype) for item in items):
            return [[np.zeros(sizes, dtype) if item is None else item for item in items]]
    joined = _joined(items) if isinstance(place, Cell) else None
    return compute(values) if joined is None else [joined]


def _joined(items: Sequence[Any]) -> DeviceValue | None:
    """Items on the device side by side there; None if there are others, or no memory."""
    first = items[0] if items else None
    if not isinstance(first, DeviceValue) or not all(isinstance(item, DeviceValue) for item in items):
        return None
    if not first.nbytes or any((item.shape, item.dtype) != (first.shape, first.dtype) for item in items):
        return None
    try:
        whole = first.pool.fresh(first.dtype, (len(items), *first.shape), len(items) * first.nbytes)
    except ResourceExhaustedError:
        return None
    for i, item in enumerate(items):
        item.copy_to(whole.address + i * first.nbytes)
    return whole


def _fits(item: Any, sizes: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether an item is one of so many elements; one that was never set is zeros."""
    return item is None or (item.shape == sizes and item.dtype == dtype)
