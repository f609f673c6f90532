"""Which device an operation runs on: what its device string asks for against what the task has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .device import DeviceSpec
from .errors import InvalidArgumentError
from .function import FunctionGraph, functions_of
from .gpu.registered import registered
from .graph import Operation
from .rewriting.lower import reachable_operations

logger = logging.getLogger("headrace")


# What is only held: it is where it is used.
_HELD = frozenset({"Const", "Placeholder", "VariableV2", "VarHandleOp"})
_ON_HOSTS = frozenset({"string", "variant"})
# Their branches and bodies are placed with the graph around; functions that are called place themselves.
_CONTROL_FLOW = frozenset({"If", "While"})
_CURE = "Pass config=tf.ConfigProto(allow_soft_placement=True) to let operations run where they can."


def _nothing(op_type: str) -> bool:
    return False


@dataclass(frozen=True)
class Placement:
    """The task's name and devices, and what to do where an operation asks for one that is not there.

    With `placed`, somebody else has decided that the operations run on this task, whatever task they name.
    """

    job: str = "localhost"
    task: int = 0
    device_types: tuple[str, ...] = ("CPU",)
    soft: bool = False
    log: bool = False
    placed: bool = False
    # Which op types have kernels on the GPU, where there is one.
    on_gpu: Callable[[str], bool] = _nothing

    def device_names(self) -> list[str]:
        """The full names of the task's devices."""
        return [f"/job:{self.job}/replica:0/task:{self.task}/device:{kind}:0" for kind in self.device_types]

    def kind_for(self, op: Operation, wanted: str | None) -> str:
        """The type of the device for an operation: what it asks for, else a GPU if there is one with a kernel for it."""
        if "GPU" in self.device_types and wanted in (None, "GPU"):
            return "GPU" if (op.type in _HELD or self.on_gpu(op.type)) and not _on_hosts(op) else "CPU"
        return wanted or self.device_types[0]


def check_placement(ops: Sequence[Operation], placement: Placement) -> None:
    """Raises InvalidArgumentError for the first operation whose device is not there and may not be replaced."""
    for op in sorted((op for op in ops if op.device or placement.log), key=lambda op: op.order):
        device = device_of(op, placement)
        if placement.log:
            # Asked for, so shown whatever the level: TensorFlow prints it too.
            logger.warning("%s: (%s): %s", op.name, op.type, device)
    if "GPU" in placement.device_types and not placement.soft:
        for op in sorted(_with_branches(ops), key=lambda op: op.order):
            _require_kernel(op, placement)


def _with_branches(ops: Iterable[Operation]) -> Iterator[Operation]:
    """Operations, and those of the branches and bodies among them; what runs in a function was looked at before."""
    for op in ops:
        if not isinstance(op.graph, FunctionGraph):
            yield op
            if op.type in _CONTROL_FLOW:
                yield from _inside(op)


def _inside(op: Operation) -> Iterator[Operation]:
    for graph in functions_of(op):
        for inner in reachable_operations(graph.outputs, graph.control_outputs, set()):
            yield inner
            if inner.type in _CONTROL_FLOW:
                yield from _inside(inner)


def _require_kernel(op: Operation, placement: Placement) -> None:
    """Raises unless the operation may be where it asks to be: TensorFlow has a kernel there, or headrace does."""
    if not op.device or DeviceSpec.from_string(op.device).device_type != "GPU":
        return
    if registered(op.type, op.attrs) or placement.kind_for(op, "GPU") == "GPU":
        return
    dtypes = sorted({t.dtype.base_dtype.name for t in (*op.inputs, *op.outputs)})
    raise InvalidArgumentError(
        None,
        op,
        f"Cannot assign a device for operation {op.name!r}, made at {op.made_at}: could not satisfy the explicit device "
        f"specification {op.device!r} because no supported kernel for GPU devices is available: {op.type} of "
        f"{', '.join(dtypes) or 'nothing'} has kernels on CPUs alone; there are {placement.device_names()}. {_CURE}",
    )


def _on_hosts(op: Operation) -> bool:
    """Whether it gives strings or the like, or holds them."""
    dtypes = [op.attrs["dtype"]] if op.type in _HELD and "dtype" in op.attrs else [t.dtype for t in op.outputs]
    return any(dtype.base_dtype.name in _ON_HOSTS for dtype in dtypes)


def device_of(op: Operation, placement: Placement) -> str:
    """The full name of the device on which `op` runs."""
    spec = DeviceSpec.from_string(op.device)
    here = placement.placed or (spec.job in (None, placement.job, "localhost") and spec.task in (None, placement.task))
    if not here:
        raise InvalidArgumentError(
            None,
            op,
            f"Cannot assign a device for operation {op.name!r}: it was explicitly assigned to {op.device}, but available "
            f"devices are {placement.device_names()}. Make sure the device specification refers to a valid device.",
        )
    kind = placement.kind_for(op, spec.device_type)
    if kind not in placement.device_types or (spec.device_index or 0) > 0:
        kind = _replacement(op, placement, kind)
    return f"/job:{placement.job}/replica:0/task:{placement.task}/device:{kind}:0"


def _replacement(op: Operation, placement: Placement, kind: str) -> str:
    # A second CPU is the same processor; TensorFlow asks for device_count, we do not.
    if placement.soft or kind == "CPU":
        return kind if kind in placement.device_types else "CPU"
    raise InvalidArgumentError(
        None,
        op,
        f"Cannot assign a device for operation {op.name!r}, made at {op.made_at}: it was explicitly assigned to {op.device}, "
        f"but available devices are {placement.device_names()}. {_CURE}",
    )
