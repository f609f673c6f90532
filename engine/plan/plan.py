"""The plan of a step: which kernel runs when, on which memory. Backends carry it out; nothing here runs anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..function import functions_of
from ..graph import Sizes, Tensor
from ..rewriting.dataflow import Dataflow, Node, Value, VariableRef
from ..rewriting.fuse import expression_of
from .arena import assign_offsets
from .buffers import Buffer, Cell, Place, Storage, View, whole

# Ops after which a variable has a value, whatever it had before.
INITIALIZERS = frozenset({"Assign", "AssignVariableOp"})
# Ops other than updates whose variables must have a value.
READING = frozenset({"ReadVariableOp", "_MultiUpdate", "_SparseUpdate"})


@dataclass(eq=False, slots=True)
class Step:
    """One kernel call: the node it stands for, where its inputs lie and where its outputs go."""

    node: Node
    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]
    # A read of a variable that must outlive a later write of it copies.
    copies: bool = False


@dataclass(eq=False)
class Plan:
    """Steps in order over planned memory.

    `feeds` and `fetches` are in the caller's order; `required` names the variables that must have a value at the start.
    """

    steps: list[Step] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    arena_bytes: int = 0
    feeds: dict[Tensor, View | Cell] = field(default_factory=dict)
    fetches: list[View | Cell] = field(default_factory=list)
    variables: dict[str, VariableRef] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    rewrites: list[tuple[str, int, int]] = field(default_factory=list)
    # Of a function's graph: what it gives is taken by other programs.
    of_function: bool = False
    # For programs that are watched: every node in the order of running, with the places of its outputs.
    watched: list[tuple[Node, tuple[Place, ...]]] = field(default_factory=list)

    @property
    def naive_bytes(self) -> int:
        """What the arena would take without reuse."""
        return sum(b.nbytes for b in self.buffers if b.storage is Storage.ARENA)


def static_sizes(sizes: Sizes) -> tuple[int, ...] | None:
    """The shape as a tuple of numbers, or None where a size is not known."""
    return None if sizes is None or None in sizes else sizes  # type: ignore[return-value]


def make_plan(flow: Dataflow, watched: bool = False) -> Plan:
    """The plan of a rewritten step; if it is `watched`, with the places of all values."""
    planner = _Planner(flow)
    plan = planner.plan()
    if watched:
        plan.watched = [(n, tuple(planner.places.get(v) for v in n.outputs)) for n in flow.nodes]
    return plan


# Ops of rows, which may lie where their first input does, -> which output.
_OVER_FIRST = {"SparseSoftmaxCrossEntropyWithLogits": 1, "_ScaledSparseSoftmaxCrossEntropyWithLogits": 1, "Softmax": 0}


class _Planner:
    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.result = Plan()
        self.places: dict[Value, Place] = {}
        self.users = flow.users()
        self.end = len(flow.nodes)
        self.last_use = self._last_uses()
        self.values_of: dict[Buffer, list[Value]] = {}
        self.writes = self._writes()

    def _last_uses(self) -> dict[Value, int]:
        position = {node: i for i, node in enumerate(self.flow.nodes)}
        until = {node: position[nodes[-1]] for nodes in self.flow.batches for node in nodes}
        last = {value: end for node, end in until.items() for value in node.outputs}
        for i, node in enumerate(self.flow.nodes):
            for value in node.inputs:
                last[value] = max(until.get(node, i), last.get(value, 0))
        last.update(dict.fromkeys(self.flow.fetches, self.end))
        return last

    def _writes(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for i, node in enumerate(self.flow.nodes):
            for key in node.writes:
                found.setdefault(key, []).append(i)
        return found

    def plan(self) -> Plan:
        for i, node in enumerate(self.flow.nodes):
            self._add(i, node)
        plan = self.result
        plan.fetches = [p for v in self.flow.fetches if (p := self.places[v]) is not None]
        plan.feeds = {t: p for t, v in self.flow.feeds.items() if (p := self.places[v]) is not None}
        plan.required = self._required()
        for buffer, values in self.values_of.items():
            buffer.last = max([buffer.first, *(self.last_use.get(v, 0) for v in values)])
        arena = [b for b in plan.buffers if b.storage is Storage.ARENA]
        plan.arena_bytes = assign_offsets(arena, self.end)
        return plan

    def _required(self) -> list[str]:
        given: set[str] = set()
        required: dict[str, None] = {}
        for node in self.flow.nodes:
            if node.type in INITIALIZERS:
                given |= node.writes
            elif node.type in READING or node.definition.update_function is not None:
                required.update(dict.fromkeys(k for k in sorted(node.reads) if k not in given))
        return list(required)

    # Where values lie

    def _add(self, i: int, node: Node) -> None:
        if node.type == "_Feed":
            self._place_feed(node)
        elif node.type == "Const":
            self._place_constant(node)
        elif node.outputs and node.outputs[0].variable is not None and not node.inputs:
            self.result.variables[node.outputs[0].variable.key] = node.outputs[0].variable
            self.places[node.outputs[0]] = None
        elif node.type == "ReadVariableOp":
            self._place_read(i, node)
        elif node.type == "NoOp":
            # The order of the others is fixed by now.
            return
        elif not self._place_view(node):
            self._place_outputs(i, node)

    def _place_feed(self, node: Node) -> None:
        value = node.outputs[0]
        sizes = static_sizes(value.sizes)
        if sizes is None or value.dtype.numpy.hasobject:
            self.places[value] = Cell(value.dtype, value.name)
            return
        buffer = Buffer(Storage.FEED, math.prod(sizes) * value.dtype.numpy.itemsize, value.name)
        self._put(value, whole(self._new(buffer), value.dtype, sizes))

    def _place_constant(self, node: Node) -> None:
        array = np.asarray(node.attrs["value"])
        buffer = self._new(Buffer(Storage.CONSTANT, array.nbytes, node.name, array))
        self._put(node.outputs[0], View(buffer, node.outputs[0].dtype, array.shape, array.strides))

    def _place_read(self, i: int, node: Node) -> None:
        value, ref = node.outputs[0], node.inputs[0].variable
        if ref is None:
            raise TypeError(f"{node.describe()} reads {node.inputs[0].name}, which is not a variable's handle")
        sizes = static_sizes(ref.sizes)
        if sizes is None or value.dtype.numpy.hasobject:
            self._emit(node, [Cell(value.dtype, value.name)], copies=True)
        elif self._overwritten(value, ref.key, i):
            self._emit(node, [self._arena_view(i, value, sizes)], copies=True)
        else:
            buffer = self._new(Buffer(Storage.VARIABLE, 0, ref.key))
            self._put(value, whole(buffer, value.dtype, sizes))

    def _overwritten(self, value: Value, key: str, i: int) -> bool:
        last = self._last_use_of_aliases(value)
        return any(i < w <= last for w in self.writes.get(key, ()))

    def _last_use_of_aliases(self, value: Value) -> int:
        last, stack = 0, [value]
        while stack:
            alias = stack.pop()
            last = max(last, self.last_use.get(alias, 0))
            for node in self.users.get(alias, ()):
                if node.definition.view_function is not None:
                    stack.extend(node.outputs)
        return last

    def _place_view(self, node: Node) -> bool:
        function = node.definition.view_function
        if function is None or len(node.outputs) != 1 or static_sizes(node.outputs[0].sizes) is None:
            return False
        source = self.places[node.inputs[0]]
        constants = [v.node.constant for v in node.inputs[1:]]
        if not isinstance(source, View) or source.dtype.numpy.hasobject or any(c is None for c in constants):
            return False
        ghost = source.ghost()
        try:
            view = function(ghost, *constants, **node.definition.kernel_attrs(node.attrs))
        except ValueError:
            return False
        # NumPy gives a scalar, which is a copy, where all dimensions are indexed away.
        if not isinstance(view, np.ndarray) or view.dtype != ghost.dtype or view.shape != node.outputs[0].sizes:
            return False
        self._put(node.outputs[0], source.through(ghost, view))
        return True

    def _place_outputs(self, i: int, node: Node) -> None:
        outputs: list[Place] = []
        functions = node.origin is not None and bool(functions_of(node.origin))
        for value in node.outputs:
            sizes = static_sizes(value.sizes)
            if value.variable is not None or (value not in self.last_use and functions):
                # Loops hand on all that they capture: nobody reads those outputs.
                outputs.append(None)
                self.places[value] = None
            elif sizes is None or value.dtype.numpy.hasobject:
                outputs.append(Cell(value.dtype, value.name))
                self.places[value] = outputs[-1]
            else:
                reused = self._in_place(i, node, value.index, sizes)
                outputs.append(reused or self._arena_view(i, value, sizes))
                self._put(value, outputs[-1])  # type: ignore[arg-type]
        self._emit(node, outputs)

    def _in_place(self, i: int, node: Node, output: int, sizes: tuple[int, ...]) -> View | None:
        places = [self.places[v] for v in node.inputs]
        candidates = (
            places if expression_of(node) is not None else places[:1] if _OVER_FIRST.get(node.type) == output else []
        )
        for place in candidates:
            if not isinstance(place, View) or place.dtype != node.outputs[output].dtype or place.sizes != sizes:
                continue
            if self._may_overwrite(i, place, places):
                return place
        return None

    def _may_overwrite(self, i: int, place: View, places: Sequence[Place]) -> bool:
        buffer = place.buffer
        if buffer.storage is not Storage.ARENA:
            return False
        if not place.contiguous or place.nbytes != buffer.nbytes:
            return False
        # Another input that sees the same bytes in another order would be overwritten before it is read.
        if any(isinstance(p, View) and p.buffer is buffer and not p.same_window(place) for p in places):
            return False
        return all(self.last_use.get(v, 0) <= i for v in self.values_of[buffer])

    def _arena_view(self, i: int, value: Value, sizes: tuple[int, ...]) -> View:
        buffer = self._new(Buffer(Storage.ARENA, math.prod(sizes) * value.dtype.numpy.itemsize, value.name, first=i))
        return whole(buffer, value.dtype, sizes)

    def _new(self, buffer: Buffer) -> Buffer:
        self.result.buffers.append(buffer)
        self.values_of[buffer] = []
        return buffer

    def _put(self, value: Value, view: View) -> None:
        self.places[value] = view
        self.values_of[view.buffer].append(value)

    def _emit(self, node: Node, outputs: Sequence[Place], copies: bool = False) -> None:
        inputs = tuple(self.places[v] for v in node.inputs)
        self.result.steps.append(Step(node, inputs, tuple(outputs), copies))
        for value, place in zip(node.outputs, outputs, strict=True):
            if value not in self.places and isinstance(place, View):
                self._put(value, place)
            self.places.setdefault(value, place)
