"""Records of a run as TensorFlow's StepStats: one NodeExecStats a node that ran, by device."""

from __future__ import annotations

from collections.abc import Sequence

from ..attr_values import shape_proto
from ..graph import Operation, Sizes
from ..placement import Placement, device_of
from ..protos import DeviceStepStats, NodeExecStats, StepStats
from ..recorder import Output, Record, Recorder, Work

ALLOCATOR = "cpu"
# What a device's name ends in where its rows are calls of kernels and not nodes.
KERNELS = "/stream:kernels"


def fill_step_stats(message: StepStats, recorder: Recorder, placement: Placement) -> None:
    """Fills a StepStats in.

    A node is named as in the graph. One that stands for several operations has the name of the last; the others have
    entries without duration. Durations in microseconds are at least 1, those in nanoseconds exact.
    """
    writer = _Writer(message, recorder, placement)
    for record in recorder.records():
        writer.add(record)
    writer.name_threads()
    for data in recorder.elsewhere:
        writer.merge(StepStats.FromString(data))


class _Writer:
    """A StepStats while it is filled, with its devices by name."""

    def __init__(self, message: StepStats, recorder: Recorder, placement: Placement) -> None:
        self.message = message
        self.recorder = recorder
        self.placement = placement
        self.thread = recorder.thread & 0xFFFFFFFF
        self.devices: dict[str, DeviceStepStats] = {}
        self.by_operation: dict[Operation | None, DeviceStepStats] = {}

    def add(self, record: Record) -> None:
        """Adds the entry of a record, those of the operations fused into it, and those of its kernels."""
        work = record.work
        device = self._device_of(work.operation)
        written = work.written
        if written is None or written.outputs is not record.outputs:
            written = work.written = Written(record)
        entry = device.node_stats.add()
        entry.MergeFrom(written.entry)
        self._set_times(entry, record.begin, record.start, record.end)
        for op, fused in written.fused:
            entry = self._device_of(op).node_stats.add()
            entry.MergeFrom(fused)
            self._set_times(entry, record.start, record.start, record.start)
        for kernel in record.kernels:
            row = self._device(device.device + KERNELS)
            label = f"{work.name} = {kernel.name}() {kernel.chunks} chunks"
            entry = row.node_stats.add(node_name=work.name, timeline_label=label)
            self._set_times(entry, kernel.start, kernel.start, kernel.end)

    def _set_times(self, entry: NodeExecStats, begin: int, start: int, end: int) -> None:
        nanos = self.recorder.epoch + begin
        span = end - begin
        # What takes no time stands for something that was done elsewhere.
        micros = max((span + 500) // 1000, 1) if span > 0 else 0
        entry.all_start_micros = entry.scheduled_micros = nanos // 1000
        entry.op_start_rel_micros = min((start - begin) // 1000, micros)
        entry.op_end_rel_micros = entry.all_end_rel_micros = micros
        entry.all_start_nanos = entry.scheduled_nanos = nanos
        entry.op_start_rel_nanos = start - begin
        entry.op_end_rel_nanos = entry.all_end_rel_nanos = span
        entry.thread_id = self.thread

    def _device_of(self, op: Operation | None) -> DeviceStepStats:
        if op not in self.by_operation:
            here = device_of(op, self.placement) if op is not None else self.placement.device_names()[0]
            self.by_operation[op] = self._device(here)
        return self.by_operation[op]

    def _device(self, name: str) -> DeviceStepStats:
        if name not in self.devices:
            self.devices[name] = self.message.dev_stats.add(device=name)
        return self.devices[name]

    def merge(self, other: StepStats) -> None:
        """Adds what another task has written."""
        for device in other.dev_stats:
            own = self._device(device.device)
            own.node_stats.extend(device.node_stats)
            own.thread_names.update(device.thread_names)

    def name_threads(self) -> None:
        """Tells the name of the thread that ran the step."""
        for device in self.devices.values():
            device.thread_names[self.thread] = self.recorder.thread_name


class Written:
    """A record's entries without their times: the same in each run of a step whose shapes are static."""

    def __init__(self, record: Record) -> None:
        work = record.work
        self.outputs = record.outputs
        self.entry = NodeExecStats(node_name=work.name, timeline_label=label_of(work))
        _add_outputs(self.entry, record.outputs)
        _add_memory(self.entry, record)
        self.fused = [(op, _fused_entry(op, sizes, work.name)) for op, sizes in work.fused.items()]


def label_of(work: Work) -> str:
    """`name = Type(inputs)`, and what was fused into it."""
    text = f"{work.name} = {work.kind}({', '.join(work.inputs)})"
    return f"{text} fused: {', '.join(op.name for op in work.fused)}" if work.fused else text


def _fused_entry(op: Operation, sizes: Sequence[Sizes], holder: str) -> NodeExecStats:
    inputs = ", ".join(t.op.name for t in op.inputs)
    entry = NodeExecStats(node_name=op.name, timeline_label=f"{op.name} = {op.type}({inputs}) part of {holder}")
    for slot, (tensor, size) in enumerate(zip(op.outputs, sizes, strict=False)):
        description = entry.output.add(slot=slot).tensor_description
        description.dtype = tensor.dtype.base_dtype.as_datatype_enum  # type: ignore[assignment]
        description.shape.CopyFrom(shape_proto(size))
    return entry


def _add_outputs(entry: NodeExecStats, outputs: Sequence[Output]) -> None:
    for slot, output in enumerate(outputs):
        description = entry.output.add(slot=slot).tensor_description
        description.dtype = output.dtype.as_datatype_enum  # type: ignore[assignment]
        description.shape.CopyFrom(shape_proto(output.sizes))
        allocation = description.allocation_description
        allocation.requested_bytes = allocation.allocated_bytes = output.nbytes
        allocation.allocator_name = ALLOCATOR
        allocation.allocation_id = slot + 1
        allocation.ptr = output.address


def _add_memory(entry: NodeExecStats, record: Record) -> None:
    fresh, scratch = sum(o.fresh for o in record.outputs), record.work.scratch
    if fresh or scratch:
        total = fresh + scratch
        entry.memory.add(allocator_name=ALLOCATOR, total_bytes=total, peak_bytes=total, live_bytes=fresh)
        entry.memory_stats.temp_memory_size = scratch
