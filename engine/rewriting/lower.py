"""From a graph to a step: what the fetches need, with variables as handles that are read and written explicitly.

A read that is not ordered after a write of the same step sees the value from before the step; two unordered writes
happen in the order of their making. TensorFlow 1 leaves both to chance.
"""

from __future__ import annotations

import functools
import heapq
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..dtypes import DType
from ..errors import InvalidArgumentError, UnimplementedError
from ..function import FunctionGraph, functions_of
from ..graph import Graph, Operation, Sizes, Tensor
from ..registry import Op, definition_of, find_definition
from ..resources import variable_key
from .dataflow import Dataflow, Node, Value, VariableRef, predecessors
from .rows import keep_by_rows

VARIABLE_TYPES = frozenset({"VariableV2", "Variable", "VarHandleOp", "TemporaryVariable"})
REFERENCE_TYPES = frozenset({"VariableV2", "Variable"})
# Stateful ops that take variables and leave them as they are.
LOOKING = frozenset(
    {
        "IsVariableInitialized",
        "ReadVariableOp",
        "ResourceGather",
        "ResourceGatherNd",
        "VarIsInitializedOp",
        "VariableShape",
    }
)


@dataclass(frozen=True)
class Part:
    """What a part of a step is told of the others.

    `done` are operations that have run, `computed` fed tensors that they have computed, `values` handles of variables that
    are fed with the variables' values.
    """

    done: frozenset[Operation] = frozenset()
    computed: frozenset[Tensor] = frozenset()
    values: frozenset[Tensor] = frozenset()


WHOLE = Part()


def lower(
    graph: Graph,
    fetches: Sequence[Tensor],
    targets: Sequence[Operation],
    feeds: Sequence[Tensor],
    loose: Iterable[Tensor] = (),
    part: Part = WHOLE,
) -> Dataflow:
    """The step that computes `fetches` and runs `targets`, given values for `feeds`.

    `loose` are those fed tensors whose shapes are not what the graph says; `part` says what other parts of the step do.
    """
    fed = set(feeds)
    lowering = _Lowering(fed, part)
    lowering.loose.update(lowering.values[tensor] for tensor in loose)
    for op in needed_operations(fetches, targets, fed, part.done):
        lowering.add(op)
    values = [lowering.data(t, None) for t in fetches]
    feed_values = {t: lowering.values[t] for t in feeds if t in lowering.values}
    flow = Dataflow(lowering.nodes, feed_values, values, [lowering.node_of[op] for op in targets])
    keep_by_rows(flow)
    order_effects(flow)
    flow.nodes = schedule(flow.nodes)
    return flow


def needed_operations(
    fetches: Iterable[Tensor], targets: Iterable[Operation], fed: set[Tensor], done: Collection[Operation] = ()
) -> list[Operation]:
    """The operations that must run, in the order of their making; fed tensors and what is done end the search."""
    return topological(reachable_operations(fetches, targets, fed, done), fed)


def reachable_operations(
    fetches: Iterable[Tensor], targets: Iterable[Operation], fed: set[Tensor], done: Collection[Operation] = ()
) -> set[Operation]:
    """The operations that must run, which may form loops through NextIteration; fed tensors end the search.

    What a control edge leads to is left out if it is among `done`.
    """
    seen: set[Operation] = set()
    stack = [t.op for t in fetches if t not in fed] + list(targets)
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        stack.extend(t.op for t in op.inputs if t not in fed)
        stack.extend(c for c in op.control_inputs if c not in done)
    return seen


def topological(ops: set[Operation], fed: set[Tensor]) -> list[Operation]:
    """`ops` in the order of their making, or another that runs where control edges were added later."""
    ordered = sorted(ops, key=lambda op: op.order)
    if all(p.order < op.order for op in ordered for p in _before(op, fed)):
        return ordered
    return _sorted_by_dependency(ordered, fed)


def _before(op: Operation, fed: set[Tensor]) -> Iterable[Operation]:
    return [t.op for t in op.inputs if t not in fed] + op.control_inputs


def _sorted_by_dependency(ordered: list[Operation], fed: set[Tensor]) -> list[Operation]:
    among = set(ordered)
    before = {op: among.intersection(_before(op, fed)) for op in ordered}
    waiting = {op: len(before[op]) for op in ordered}
    after: dict[Operation, list[Operation]] = {}
    for op in ordered:
        for p in before[op]:
            after.setdefault(p, []).append(op)
    ready = [(op.order, id(op), op) for op in ordered if waiting[op] == 0]
    heapq.heapify(ready)
    result = []
    while ready:
        op = heapq.heappop(ready)[2]
        result.append(op)
        for later in after.get(op, ()):
            waiting[later] -= 1
            if waiting[later] == 0:
                heapq.heappush(ready, (later.order, id(later), later))
    if len(result) < len(ordered):
        names = [op.name for op in ordered if waiting[op]][:5]
        raise InvalidArgumentError(
            None, None, f"The graph has a cycle through {len(ordered) - len(result)} operations: {names}"
        )
    return result


class _Lowering:
    """Turns operations into nodes one by one, in an order that runs."""

    def __init__(self, fed: set[Tensor], part: Part) -> None:
        self.fed = fed
        self.part = part
        self.nodes: list[Node] = []
        self.values: dict[Tensor, Value] = {}
        self.node_of: dict[Operation, Node] = {}
        # The node after whose write a reference output may be read.
        self.written_by: dict[Value, Node] = {}
        # Values that depend on variables whose shape may change, or on fed constants and the like, from which the graph
        # took shapes: what it says of their shapes does not hold.
        self.loose: set[Value] = set()
        for tensor in fed:
            self._add_feed(tensor)
        for node in self.nodes:
            if node.origin is not None and len(node.origin.outputs) == 1:
                self.node_of[node.origin] = node

    def _add_feed(self, tensor: Tensor) -> None:
        dtype, sizes = tensor.dtype.base_dtype, fed_sizes(tensor, self.part)
        ref = _variable_of(tensor) if tensor in self.part.values else None
        if ref is not None:
            dtype = ref.dtype
        node = Node(definition_of("_Feed"), tensor.name, {}, [], [(dtype, sizes)], tensor.op.order, tensor.op)
        self.nodes.append(node)
        self.values[tensor] = node.outputs[0]
        if tensor.op.type != "Placeholder" and tensor not in self.part.computed:
            self.loose.add(node.outputs[0])

    def add(self, op: Operation) -> None:
        definition = find_definition(op.type)
        if definition is None:
            raise UnimplementedError(op.name, op, f"No op of type {op.type!r} is registered (operation {op.name!r}).")
        handle = handle_of(op)
        if op.type == "Placeholder" and handle is None:
            if op.outputs[0] not in self.fed:
                raise _unfed(op)
            self.node_of[op] = self.values[op.outputs[0]].node
            return
        inputs = [] if handle else self._inputs(op, definition)
        outputs = [(t.dtype.base_dtype, t.sizes) for t in op.outputs]
        loose = not handle and self._is_loose(inputs, op)
        if loose:
            outputs = [(dtype, None) for dtype, _ in outputs]
        if op.type == "Identity" and not handle and op.inputs[0].dtype._is_ref_dtype and op.inputs[0] not in self.fed:
            node = inputs[0].node
            node.name, node.origin, node.order = op.name, op, op.order
        elif op.type == "ReadVariableOp" and op.inputs[0] in self.part.values:
            node = Node(definition_of("Identity"), op.name, {"T": inputs[0].dtype}, inputs, outputs, op.order, op)
            self.nodes.append(node)
        else:
            attrs = {**op.attrs, "output_shapes": []} if loose and functions_of(op) else op.attrs
            node = Node(definition, op.name, attrs, inputs, outputs, op.order, op)
            self.nodes.append(node)
        if loose:
            self.loose.update(node.outputs)
        node.control += self._controls(op)
        self.node_of[op] = node
        for tensor, value in zip(op.outputs, node.outputs, strict=True):
            self.values.setdefault(tensor, value)
        self._note_effects(op, definition, node, handle)

    def _controls(self, op: Operation) -> list[Node]:
        return [self.node_of[c] for c in op.control_inputs if c not in self.part.done]

    def _is_loose(self, inputs: list[Value], op: Operation) -> bool:
        if any(value in self.loose for value in inputs):
            return True
        return any(v.variable is not None and v.variable.resized for v in inputs) and bool(functions_of(op))

    def _inputs(self, op: Operation, definition: Op[..., Any]) -> list[Value]:
        wants_handle = handle_inputs(definition, op)
        return [self._handle(t, op) if i in wants_handle else self.data(t, op) for i, t in enumerate(op.inputs)]

    def _handle(self, tensor: Tensor, op: Operation) -> Value:
        value = self.values[tensor]
        if tensor in self.part.values and not functions_of(op) and op.type != "ReadVariableOp":
            raise UnimplementedError(
                None,
                op,
                f"{op.describe()} needs the variable {tensor.name!r} itself, but has the value that another task sent",
            )
        if value.variable is None and tensor.dtype._is_ref_dtype and not functions_of(op):
            raise InvalidArgumentError(
                op.name, op, f"The variable {tensor.name!r} cannot be fed and written in the same step."
            )
        return value

    def data(self, tensor: Tensor, op: Operation | None) -> Value:
        """The value of a tensor as data: handles of variables are read."""
        value = self.values[tensor]
        if value.variable is None or (op is None and not tensor.dtype._is_ref_dtype):
            return value
        return self._read(value, op.order if op is not None else tensor.graph.version, op)

    def _read(self, handle: Value, order: float, op: Operation | None) -> Value:
        ref = handle.variable
        if ref is None:
            return handle
        origin = op if op is not None else handle.node.origin
        name = f"{op.name if op is not None else 'fetch'}/{ref.key}/read"
        node = Node(
            definition_of("ReadVariableOp"),
            name,
            {"dtype": ref.dtype},
            [handle],
            [(ref.dtype, ref.sizes)],
            order,
            origin,
        )
        node.reads = frozenset({ref.key})
        if ref.resized:
            self.loose.add(node.outputs[0])
        if handle in self.written_by:
            node.control.append(self.written_by[handle])
        if op is not None:
            node.control += self._controls(op)
        self.nodes.append(node)
        return node.outputs[0]

    def _note_effects(self, op: Operation, definition: Op[..., Any], node: Node, handle: Operation | None) -> None:
        if handle is not None:
            node.outputs[0].variable = variable_ref(handle)
            return
        refs = {i: v.variable for i, v in enumerate(node.inputs) if v.variable is not None}
        touched = frozenset(ref.key for ref in refs.values())
        _check_dtypes(op, definition, refs)
        if definition.type == "ReadVariableOp":
            node.reads = touched
            return
        inner_reads, inner_writes = _function_effects(op)
        node.reads = touched | inner_reads
        node.writes = (touched if _writes(definition, op) else frozenset()) | inner_writes
        first = refs.get(0)
        for value, argument in zip(node.outputs, definition.outputs, strict=False):
            if argument.is_ref and first is not None:
                value.variable = first
                self.written_by[value] = node


def _check_dtypes(op: Operation, definition: Op[..., Any], refs: dict[int, VariableRef]) -> None:
    """Raises InvalidArgumentError where a handle's operation is of another dtype than its variable."""
    if definition.update_function is None and definition.type not in ("ReadVariableOp", "ResourceCountUpTo"):
        return
    dtype = op.attrs.get("dtype") or op.attrs.get("T")
    for i, ref in refs.items():
        if op.inputs[i].dtype.name == "resource" and isinstance(dtype, DType) and dtype != ref.dtype:
            raise InvalidArgumentError(
                op.name,
                op,
                f"{op.describe()} is of dtype {dtype.name}, but the variable {ref.key!r} of {ref.dtype.name}",
            )


def _unfed(op: Operation) -> InvalidArgumentError:
    shape = op.outputs[0].shape
    text = f"You must feed a value for placeholder tensor {op.name!r} with dtype {op.outputs[0].dtype.name} and shape {shape}"
    return InvalidArgumentError(None, op, f"{text} (Placeholder made at {op.made_at})")


def handle_of(op: Operation) -> Operation | None:
    """The operation that makes the variable whose handle `op` gives, through captures of functions."""
    if op.type in VARIABLE_TYPES:
        return op
    graph = op.graph
    if op.type == "Placeholder" and isinstance(graph, FunctionGraph):
        outer = graph.captured_handle(op.outputs[0])
        return None if outer is None else handle_of(_referred(outer).op)
    return None


def _variable_of(tensor: Tensor) -> VariableRef | None:
    """The variable of a handle; None for what is no variable's handle."""
    handle = handle_of(_referred(tensor).op)
    return None if handle is None else variable_ref(handle)


def fed_sizes(tensor: Tensor, part: Part = WHOLE) -> Sizes:
    """The static shape of what is fed for a tensor: for a handle that stands for its value, the variable's."""
    ref = _variable_of(tensor) if tensor in part.values else None
    return tensor.sizes if ref is None else ref.sizes


def written_inputs(op: Operation) -> set[int]:
    """Which inputs of an operation with functions are handles of variables that these may write."""
    _, writes = _function_effects(op)
    refs = {i: _variable_of(t) for i, t in enumerate(op.inputs) if t.dtype._is_ref_dtype or t.dtype.name == "resource"}
    return {i for i, ref in refs.items() if ref is not None and ref.key in writes}


def is_variable(tensor: Tensor) -> bool:
    """Whether a tensor is the handle of a variable."""
    return _variable_of(tensor) is not None


def _referred(tensor: Tensor) -> Tensor:
    """The handle that a reference output, such as that of an assignment, hands on."""
    while tensor.dtype._is_ref_dtype and tensor.op.inputs and tensor.op.inputs[0].dtype._is_ref_dtype:
        tensor = tensor.op.inputs[0]
    return tensor


def variable_ref(op: Operation) -> VariableRef:
    """The variable that an operation makes the handle of."""
    sizes = op.attrs["shape"].sizes
    resized = sizes is not None and op.type in REFERENCE_TYPES and _is_resized(op.outputs[0], sizes)
    return VariableRef(_key(op), op.attrs["dtype"], None if resized else sizes, resized)


def _key(op: Operation) -> str:
    return variable_key(op.attrs.get("container") or "", op.attrs.get("shared_name") or "", op.name)


def _is_resized(handle: Tensor, sizes: Sizes) -> bool:
    """Whether an assignment without a check of shapes may give a variable by reference another shape."""
    for user in handle.consumers():
        if user.type == "Assign" and user.inputs[0] is handle:
            if not user.attrs.get("validate_shape", True) and user.inputs[1].sizes != sizes:
                return True
        for function in functions_of(user):
            inner = function.captured.get(handle)
            if inner is not None and _is_resized(inner, sizes):
                return True
        # What hands the reference on, such as another assignment.
        if any(t.dtype._is_ref_dtype and _is_resized(t, sizes) for t in user.outputs):
            return True
    return False


def handle_inputs(definition: Op[..., Any], op: Operation) -> set[int]:
    """Which inputs of an operation are variables and not their values."""
    if functions_of(op):
        # Functions take variables as such; what they do with them, _function_effects tells.
        return {i for i, t in enumerate(op.inputs) if t.dtype._is_ref_dtype or t.dtype.name == "resource"}
    if definition.has_list_input:
        return set()
    return {
        i
        for i, (argument, tensor) in enumerate(zip(definition.inputs, op.inputs, strict=True))
        if argument.is_ref or (tensor.dtype.name == "resource" and argument.name not in definition.read_resources)
    }


def _writes(definition: Op[..., Any], op: Operation) -> bool:
    """Whether an operation may change the variables that it takes."""
    if definition.update_function is not None:
        return True
    return definition.stateful and definition.type not in LOOKING and not functions_of(op)


def _function_effects(op: Operation) -> tuple[frozenset[str], frozenset[str]]:
    reads: set[str] = set()
    writes: set[str] = set()
    for function in functions_of(op):
        for inner in function.get_operations():
            definition = find_definition(inner.type)
            keys = {_key(h) for t in inner.inputs if (h := handle_of(t.op)) is not None}
            inner_reads, inner_writes = _function_effects(inner)
            reads |= keys | inner_reads
            writes |= inner_writes
            if definition is not None and _writes(definition, inner):
                writes |= keys
    return frozenset(reads), frozenset(writes)


def order_effects(flow: Dataflow) -> None:
    """Adds control edges so that reads, and what uses them, come before the writes they are not ordered after."""
    writers: dict[str, list[Node]] = {}
    readers: dict[str, list[Node]] = {}
    for node in flow.nodes:
        for key in node.writes:
            writers.setdefault(key, []).append(node)
    if not writers:
        return
    ordered = schedule(flow.nodes)
    for node in ordered:
        for key in node.reads:
            readers.setdefault(key, []).append(node)
    order = _Order(ordered)
    users = flow.users()
    for key, nodes in writers.items():
        for previous, writer in itertools.pairwise(nodes):
            order.put_before(previous, writer)
        for writer in nodes:
            for reader in readers.get(key, ()):
                if reader is not writer and key not in reader.writes:
                    _read_first(reader, writer, order, users)


def _read_first(reader: Node, writer: Node, order: _Order, users: dict[Value, list[Node]]) -> None:
    if order.follows(reader, writer):
        return
    order.put_before(reader, writer)
    if reader.type == "ReadVariableOp":
        for value in reader.outputs:
            for user in users.get(value, ()):
                order.put_before(user, writer)


class _Order:
    """Which writers each node must come after, as bits of a number; true to the control edges it adds."""

    def __init__(self, ordered: list[Node]) -> None:
        self.bits = {node: 1 << i for i, node in enumerate(n for n in ordered if n.writes)}
        self.behind: dict[Node, int] = {}
        self.followers: dict[Node, list[Node]] = {}
        for node in ordered:
            before = list(predecessors(node))
            self.behind[node] = functools.reduce(int.__or__, map(self._with, before), 0)
            for p in before:
                self.followers.setdefault(p, []).append(node)

    def _with(self, node: Node) -> int:
        return self.behind[node] | self.bits.get(node, 0)

    def follows(self, node: Node, writer: Node) -> bool:
        """Whether `node` must run after `writer`."""
        return bool(self.behind[node] & self.bits[writer])

    def put_before(self, node: Node, writer: Node) -> None:
        """Makes `writer` wait for `node`, unless `node` is the writer or must run after it."""
        followers = self.followers.setdefault(node, [])
        # An edge that is there already was most likely the last one added.
        if node is writer or self.follows(node, writer) or (followers and followers[-1] is writer):
            return
        writer.control.append(node)
        followers.append(writer)
        stack, mask = [writer], self._with(node)
        while stack:
            later = stack.pop()
            if mask & ~self.behind[later]:
                self.behind[later] |= mask
                stack.extend(self.followers.get(later, ()))


def schedule(nodes: list[Node]) -> list[Node]:
    """The nodes in an order that runs: early ones first, those that may block last, and else those made first."""
    waiting: dict[Node, int] = {}
    after: dict[Node, list[Node]] = {}
    for node in nodes:
        before = set(predecessors(node))
        waiting[node] = len(before)
        for p in before:
            after.setdefault(p, []).append(node)
    ready = [_priority(n, i) for i, n in enumerate(nodes) if waiting[n] == 0]
    position = {node: i for i, node in enumerate(nodes)}
    heapq.heapify(ready)
    result: list[Node] = []
    while ready:
        node = heapq.heappop(ready)[3]
        result.append(node)
        for later in after.get(node, ()):
            waiting[later] -= 1
            if waiting[later] == 0:
                heapq.heappush(ready, _priority(later, position[later]))
    if len(result) < len(nodes):
        done = set(result)
        names = [n.name for n in nodes if n not in done][:5]
        raise InvalidArgumentError(
            None, None, f"The graph has a cycle through {len(nodes) - len(done)} operations: {names}"
        )
    return result


def _priority(node: Node, position: int) -> tuple[int, float, int, Node]:
    return (1 if blocks(node) else -1 if node.definition.early else 0, node.order, position, node)


def blocks(node: Node) -> bool:
    """Whether a node may wait for another step, or for a node of its own step that must come before it."""
    return node.definition.blocking or (node.origin is not None and _may_block(node.origin))


def _may_block(op: Operation) -> bool:
    """Whether a function that an operation calls may wait for another thread."""
    return any(
        ((definition := find_definition(inner.type)) is not None and definition.blocking) or _may_block(inner)
        for function in functions_of(op)
        for inner in function.get_operations()
    )
