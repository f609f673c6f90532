"""A step cut by task: which task runs which operation, and in how many stages, so that no stage waits for another task.

The level of an operation is the largest number of changes of task on a way to it. The operations of one task at one
level are a stage: all that comes in is there when it starts, all that goes out leaves when it has ended. As levels only
grow along edges, stages form no circle, and a graph that can run at all runs without a deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..engine.device import DeviceSpec
from ..engine.errors import InvalidArgumentError, UnimplementedError
from ..engine.function import functions_of
from ..engine.graph import Operation, Tensor
from ..engine.registry import find_definition
from ..engine.rewriting.lower import (
    LOOKING,
    VARIABLE_TYPES,
    handle_inputs,
    is_variable,
    lower,
    reachable_operations,
    topological,
    written_inputs,
)

Task = tuple[str, int]

# What an operation hands on that names something in its task, and cannot leave it.
_TIED = frozenset({"resource", "variant"})
# What closes a loop of raw control flow, as graphs of TensorFlow 1 have them.
_LOOPS = frozenset({"NextIteration", "RefNextIteration"})
_LOCAL_JOBS = (None, "localhost")


def task_name(task: Task) -> str:
    """A task as a device string says it."""
    return f"/job:{task[0]}/task:{task[1]}"


@dataclass(eq=False)
class Stage:
    """The operations that a task runs in one go, with what they need from other stages and what others need of them.

    `feeds` and `fetches` are tensors of the client's graph; `awaits` are stages that must have ended though nothing
    comes from them; `done` are operations of other stages that stand among the control inputs of this one's. `lent` says
    which of the feeds stand for handles of variables of other tasks, that functions here only read.
    """

    task: Task
    level: int
    operations: list[Operation] = field(default_factory=list)
    feeds: dict[Tensor, Stage | None] = field(default_factory=dict)
    fetches: dict[Tensor, None] = field(default_factory=dict)
    targets: dict[Operation, None] = field(default_factory=dict)
    awaits: dict[Stage, None] = field(default_factory=dict)
    done: set[Operation] = field(default_factory=set)
    lent: dict[Tensor, Tensor] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        """Whether it only waits for others."""
        return all(op.type == "NoOp" for op in self.operations)


class Partition:
    """The stages of a step, in an order in which they can run, and where each fetch comes from.

    Args:
        fetches: tensors whose values the client wants.
        targets: operations that it wants run.
        feeds: tensors for which it gives values.
        here: the client's task, which runs what no device string places.
        tasks: those that there are.

    Raises:
        InvalidArgumentError: an operation is placed on a task that there is not, or something that cannot leave a task
            is used on another.
    """

    def __init__(
        self,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        here: Task,
        tasks: Iterable[Task],
    ) -> None:
        self.fed = set(feeds)
        self.here = here
        self.tasks = frozenset(tasks)
        self._among = reachable_operations(fetches, targets, self.fed)
        self._loops = any(op.type in _LOOPS for op in self._among)
        self.operations = sorted(self._among, key=lambda op: op.order)
        if not self._loops:
            self.operations = topological(self._among, self.fed)
        self._by_name = {op.name: op for op in self.operations}
        self.task: dict[Operation, Task] = {}
        self._handles_of: dict[Operation, list[Tensor]] = {}
        for op in self.operations:
            self.task_of(op)
        self._effects: dict[Operation, list[Operation]] = {}
        # What reads the variables of other tasks for functions, in the place of the handles that these capture.
        self._readers: dict[tuple[Tensor, frozenset[Operation]], Operation] = {}
        self._lent: dict[tuple[Operation, Tensor], Tensor] = {}
        self._writers: dict[Tensor, set[Operation]] = {}
        if self._loops:
            self._check_loops()
        elif len(set(self.task.values())) > 1:
            lenders = self._order_effects(fetches, targets, feeds)
            self._lend(lenders)
        self.level: dict[Operation, int] = {}
        self._find_levels()
        self._stages: dict[tuple[Task, int], Stage] = {}
        for op in self.operations:
            self._add(op)
        for target in targets:
            self._stage(target).targets[target] = None
        # The stage that gives each fetch, None for what is fed.
        self.sources = {t: None if t in self.fed else self._fetched(t) for t in fetches}
        self.stages = sorted(self._stages.values(), key=lambda s: (s.level, s.task))

    # Placement

    def task_of(self, op: Operation) -> Task:
        """The task that runs `op`: the one of the state it works on, of what it is colocated with, of its device."""
        found = self.task.get(op)
        if found is None:
            # What is being looked at is where its device says, should a circle of colocations lead back to it.
            self.task[op] = self._device_task(op)
            found = self.task[op] = self._tied_task(op) or self._colocated_task(op) or self.task[op]
        return found

    def _tied_task(self, op: Operation) -> Task | None:
        owners = [self.task_of(t.op) for t in self._handles(op)]
        for owner, handle in zip(owners, self._handles(op), strict=True):
            if owner != owners[0]:
                does = "holds functions that change" if functions_of(op) else "works on"
                raise InvalidArgumentError(
                    None,
                    op,
                    f"{op.describe()} {does} {handle.name!r} of {task_name(owner)} and "
                    f"{self._handles(op)[0].name!r} of {task_name(owners[0])}: state cannot leave its task.",
                )
        return owners[0] if owners else None

    def _handles(self, op: Operation) -> list[Tensor]:
        """The inputs that name state: the operation must run where that is.

        What functions read of variables can be sent to them.
        """
        if op not in self._handles_of:
            self._handles_of[op] = self._find_handles(op)
        return self._handles_of[op]

    def _find_handles(self, op: Operation) -> list[Tensor]:
        if functions_of(op):
            kept = written_inputs(op)
            return [t for i, t in enumerate(op.inputs) if self._names(t) and (i in kept or not is_variable(t))]
        definition = find_definition(op.type)
        wanted = handle_inputs(definition, op) if definition is not None else set()
        return [
            t
            for i, t in enumerate(op.inputs)
            if t not in self.fed
            and (t.dtype.name in _TIED or (t.dtype._is_ref_dtype and (i in wanted or _works_on(op, t))))
        ]

    def _names(self, tensor: Tensor) -> bool:
        if tensor in self.fed:
            return False
        return tensor.dtype.name in _TIED or (tensor.dtype._is_ref_dtype and _names_state(tensor.op))

    def _colocated_task(self, op: Operation) -> Task | None:
        for group in op.attrs.get("_class") or ():
            name = (group.decode() if isinstance(group, bytes) else group).removeprefix("loc:@")
            other = self._by_name.get(name)
            if other is None and op.graph.has_operation(name):
                other = op.graph.get_operation_by_name(name)
            if other is not None and other is not op:
                return self.task_of(other)
        return None

    def _device_task(self, op: Operation) -> Task:
        spec = DeviceSpec.from_string(op.device)
        if spec.job in _LOCAL_JOBS and spec.task in (None, self.here[1]):
            return self.here
        job = self.here[0] if spec.job in _LOCAL_JOBS else spec.job
        task = (job, spec.task or 0)
        if task not in self.tasks:
            known = ", ".join(map(task_name, sorted(self.tasks)))
            raise InvalidArgumentError(
                None,
                op,
                f"Cannot assign a device for operation {op.name!r}: it was explicitly assigned to {op.device}, but the "
                f"cluster has no such task; it has {known}. Make sure the device specification refers to a valid device.",
            )
        return task

    def _check_loops(self) -> None:
        """Raises UnimplementedError unless a step with loops of raw control flow is all on one task."""
        tasks = sorted(set(self.task.values()))
        if len(tasks) > 1:
            loop = next(op for op in self.operations if op.type in _LOOPS)
            raise UnimplementedError(
                None,
                loop,
                f"A loop of raw control flow ({loop.describe()}) cannot be cut, and its step is on "
                f"{', '.join(map(task_name, tasks))}: put all of it on one task, or write the loop with tf.while_loop.",
            )

    # Levels

    def _order_effects(
        self, fetches: Sequence[Tensor], targets: Sequence[Operation], feeds: Sequence[Tensor]
    ) -> list[tuple[Operation, Operation]]:
        """Notes which reads and writes of one variable come first, as they would in a step that is not cut.

        Gives those pairs of operations of which the first one's functions read what the second one, elsewhere, changes.
        """
        if not any(not _only_reads(op) and self._handles(op) for op in self.operations):
            return []
        nodes = lower(self.operations[0].graph, fetches, targets, feeds).nodes
        # Where an operation reads a variable by the way, its own node is the last one.
        node_of = {node.origin: node for node in nodes if node.origin in self._among}
        lenders = []
        for op, node in node_of.items():
            before = [p.origin for p in node.control if p.origin is not None and node_of.get(p.origin) is p]
            new = [p for p in before if p is not op and p not in op.control_inputs]
            self._effects[op] = [p for p in new if self.task[p] == self.task[op]]
            lenders += [(p, op) for p in new if self.task[p] != self.task[op]]
        place = {op: i for i, op in enumerate(node_of)}
        self.operations.sort(key=lambda op: place.get(op, -1))
        return lenders

    def _lend(self, pairs: Sequence[tuple[Operation, Operation]]) -> None:
        """Puts in what reads the variables of other tasks for functions: once where they are, as early as can be."""
        operations, self.operations = self.operations, []
        for op in operations:
            for tensor in op.inputs if functions_of(op) else ():
                if tensor not in self.fed and is_variable(tensor) and self.task_of(tensor.op) != self.task[op]:
                    self._read_for(tensor, op)
            self.operations.append(op)
        for reading, op in pairs:
            lent = [value.op for (user, _), value in self._lent.items() if user is reading]
            self._effects[op] += [r for r in lent if self.task[r] == self.task[op]]

    def _read_for(self, handle: Tensor, op: Operation) -> None:
        writers = self._writers_before(op, handle)
        if handle.dtype._is_ref_dtype and not writers:
            # A reference is read where it is as it stands.
            return
        key = (handle, writers)
        if key not in self._readers:
            reader = self._readers[key] = _reader(handle, op, writers)
            self.task[reader] = self.task_of(handle.op)
            self.operations.append(reader)
        self._lent[op, handle] = self._readers[key].outputs[0]

    def _writers_before(self, op: Operation, handle: Tensor) -> frozenset[Operation]:
        """The operations that change a variable of this step before `op` runs."""
        if not self._writers:
            for p in self._among:
                for changed in () if _only_reads(p) else self._handles(p):
                    self._writers.setdefault(changed, set()).add(p)
        writers = self._writers.get(handle, set())
        seen: set[Operation] = set()
        stack = [op] if writers else []
        while stack:
            for p in self._before(stack.pop()):
                if p not in seen:
                    seen.add(p)
                    stack.append(p)
        return frozenset(writers & seen)

    def _inputs(self, op: Operation) -> list[Tensor]:
        """The inputs of an operation, with values in the place of handles that are lent."""
        return [self._lent.get((op, t), t) for t in op.inputs] if self._lent else list(op.inputs)

    def _find_levels(self) -> None:
        if self._loops:
            self.level = dict.fromkeys(self.operations, 0)
            return
        for op in self.operations:
            task = self.task[op]
            self.level[op] = max((self.level[p] + (self.task[p] != task) for p in self._before(op)), default=0)
        self._sink()

    def _before(self, op: Operation) -> list[Operation]:
        """What must have run before: not what is fed, nor what every stage that needs it has for itself."""
        inputs = [t.op for t in self._inputs(op) if t not in self.fed]
        before = (*inputs, *op.control_inputs, *self._effects.get(op, ()))
        return [p for p in before if not self._is_everywhere(p, op)]

    def _is_everywhere(self, op: Operation, user: Operation) -> bool:
        if op.inputs or op.control_inputs:
            return False
        return op.type == "Const" or (_names_state(op) and self.task[op] == self.task[user])

    def _sink(self) -> None:
        """Moves what only later stages of the same task need into these: fewer stages, and less between them."""
        users: dict[Operation, list[Operation]] = {}
        for op in self.operations:
            for p in self._before(op):
                users.setdefault(p, []).append(op)
        changed = self._first_changes()
        for op in reversed(self.operations):
            needing = users.get(op, [])
            if needing and all(self.task[u] == self.task[op] for u in needing):
                # A variable is read before the step changes it.
                latest = [changed[t.op] for t in op.inputs if t.op in changed]
                self.level[op] = max(self.level[op], min([self.level[u] for u in needing] + latest))

    def _first_changes(self) -> dict[Operation, int]:
        """The level at which each variable may be changed first, by the operation that names it."""
        found: dict[Operation, int] = {}
        for op in self.operations:
            for handle in self._handles(op):
                if not _only_reads(op):
                    found[handle.op] = min(self.level[op], found.get(handle.op, self.level[op]))
        return found

    # Stages

    def _stage(self, op: Operation) -> Stage:
        key = (self.task[op], self.level[op])
        stage = self._stages.get(key)
        if stage is None:
            stage = self._stages[key] = Stage(*key)
        return stage

    def _fetched(self, tensor: Tensor) -> Stage:
        stage = self._stage(tensor.op)
        stage.fetches[tensor] = None
        return stage

    def _add(self, op: Operation) -> None:
        stage = self._stage(op)
        stage.operations.append(op)
        for handle, tensor in zip(op.inputs, self._inputs(op), strict=True):
            if tensor in self.fed:
                stage.feeds[tensor] = None
                continue
            self._connect(tensor, op, stage)
            if handle is not tensor:
                _note_lent(stage, handle, tensor, op)
        for before in op.control_inputs:
            self._order(before, op, stage)

    def _connect(self, tensor: Tensor, op: Operation, stage: Stage) -> None:
        source = self._stage(tensor.op)
        if source is stage:
            return
        if self._is_everywhere(tensor.op, op):
            stage.operations.append(tensor.op)
            return
        if tensor.dtype.name in _TIED and source.task != stage.task:
            raise InvalidArgumentError(
                None,
                op,
                f"{op.describe()} on {task_name(stage.task)} uses {tensor.name!r}, a {tensor.dtype.name} of "
                f"{task_name(source.task)}: it cannot leave that task.",
            )
        if tensor.dtype._is_ref_dtype and tensor in self._handles(op):
            raise InvalidArgumentError(
                None,
                op,
                f"{op.describe()} changes what {tensor.op.describe()} has changed before, with another task in between: "
                "give it the variable itself and a control dependency.",
            )
        source.fetches[tensor] = None
        stage.feeds[tensor] = source

    def _order(self, before: Operation, op: Operation, stage: Stage) -> None:
        source = self._stage(before)
        if source is not stage and not self._is_everywhere(before, op):
            source.targets[before] = None
            stage.awaits[source] = None
            stage.done.add(before)


def _reader(handle: Tensor, op: Operation, writers: Iterable[Operation]) -> Operation:
    """An operation of no graph that reads a variable for another one's functions, after some have written it."""
    owner = handle.op
    dtype, sizes = owner.attrs["dtype"], owner.attrs["shape"].sizes
    kind, attrs = ("Identity", {"T": dtype}) if handle.dtype._is_ref_dtype else ("ReadVariableOp", {"dtype": dtype})
    name = f"{owner.name}/read_for/{op.name}"
    reader = Operation(op.graph, kind, name, [handle], list(writers), attrs, owner.device, op.made_at)
    reader.order = op.order
    reader.outputs.append(Tensor(reader, 0, dtype, sizes))
    return reader


def _note_lent(stage: Stage, handle: Tensor, value: Tensor, op: Operation) -> None:
    if handle in stage.feeds or handle in (h for v, h in stage.lent.items() if v is not value):
        raise InvalidArgumentError(
            None,
            op,
            f"{op.describe()} reads {handle.name!r} of another task after the step has changed it, and what runs beside it on "
            f"{task_name(stage.task)} before: give one of them a control dependency on the other.",
        )
    stage.lent[value] = handle


def _works_on(op: Operation, reference: Tensor) -> bool:
    """Whether an operation runs where what it refers to is.

    So does what hands a variable's value on, which is then sent once, and what works on something that has no value, such as
    an accumulator.
    """
    return op.type == "Identity" or (_names_state(reference.op) and reference.op.type not in VARIABLE_TYPES)


def _only_reads(op: Operation) -> bool:
    definition = find_definition(op.type)
    return definition is not None and (not definition.stateful or op.type in LOOKING) and not functions_of(op)


def _names_state(op: Operation) -> bool:
    """Whether an operation only gives the handle of something that its task keeps."""
    if op.type in VARIABLE_TYPES:
        return True
    definition = find_definition(op.type)
    stateful = definition is not None and definition.stateful and not functions_of(op)
    return bool(
        stateful and op.outputs and all(t.dtype.name == "resource" or t.dtype._is_ref_dtype for t in op.outputs)
    )
