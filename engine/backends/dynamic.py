"""The interpreter for raw control flow: Switch, Merge, Enter, Exit, NextIteration, with dead tensors and frames.

Values move along edges as they are made. An operation runs in an iteration of a frame once all its inputs are there;
if one is dead it does not run and its outputs are dead. A frame is entered once for each iteration of the frame around.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError, UnimplementedError
from ..graph import Graph, Operation, Tensor
from ..recorder import Recorder
from ..registry import find_definition
from ..resources import VariableStorage
from ..rewriting.dataflow import Node, Value
from ..rewriting.lower import handle_inputs, handle_of, reachable_operations, variable_ref
from ..runtime import Runtime
from .arguments import compute_of
from .failures import failure_of
from .observed import Observer
from .traced import outputs_of, work_of
from .variables import assign, prepare, validates

RAW_CONTROL = frozenset(
    {
        "Switch",
        "Merge",
        "Enter",
        "Exit",
        "NextIteration",
        "LoopCond",
        "RefSwitch",
        "RefMerge",
        "RefEnter",
        "RefExit",
        "RefNextIteration",
    }
)

Evaluate = Callable[[Sequence[Any]], list[Any]]


class _Dead:
    """What stands for a value on the side that was not chosen."""


DEAD = _Dead()


def needs_dynamic(ops: Sequence[Operation]) -> bool:
    """Whether a step uses raw control flow, which no plan can order ahead of time."""
    return any(op.type in RAW_CONTROL for op in ops)


def _kind(op: Operation) -> str:
    """The op type without Ref, for raw control flow."""
    return op.type.removeprefix("Ref") if op.type in RAW_CONTROL else ""


class _Waiting:
    """An operation in one iteration while its inputs arrive."""

    __slots__ = ("controls", "dead", "done", "live", "missing", "values")

    def __init__(self, op: Operation) -> None:
        self.values: list[Any] = [None] * len(op.inputs)
        self.missing = len(op.inputs)
        self.controls = len(op.control_inputs)
        self.dead = 0
        # The input that a Merge passes on.
        self.live: int | None = None
        self.done = False


class _Frame:
    """One entry into a frame: its iterations, and where its results go."""

    def __init__(self, parent: _Frame | None, iteration: int, name: str) -> None:
        self.parent = parent
        self.iteration = iteration
        self.name = name
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.waiting: list[dict[Operation, _Waiting]] = [{}]
        self.children: dict[tuple[int, str], _Frame] = {}
        self.constants: list[tuple[Operation, Any]] = []
        self.live_exits: set[Operation] = set()
        self.dead_exits: dict[Operation, None] = {}


class DynamicProgram:
    """A step of a graph with raw control flow."""

    def __init__(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
        observer: Observer | None = None,
    ) -> None:
        self.fetches = list(fetches)
        self.runtime = runtime
        self.observer = observer
        self.fed = set(feeds)
        found = reachable_operations(fetches, targets, self.fed)
        self.ops = sorted(found, key=lambda op: op.order)
        self.targets = list(targets)
        _check_frames(self.ops, self.fed)
        self.users: dict[Tensor, list[tuple[Operation, int]]] = {}
        self.followers: dict[Operation, list[Operation]] = {}
        for op in self.ops:
            for i, tensor in enumerate(op.inputs):
                self.users.setdefault(tensor, []).append((op, i))
            for before in op.control_inputs:
                self.followers.setdefault(before, []).append(op)
        self.nodes: dict[Operation, Node] = {}
        self.evaluate: dict[Operation, Evaluate] = {}
        self._make_nodes()

    def _make_nodes(self) -> None:
        values: dict[Tensor, Value] = {}
        for op in self.ops:
            definition = find_definition(op.type)
            if definition is None:
                raise UnimplementedError(
                    op.name, op, f"No op of type {op.type!r} is registered (operation {op.name!r})."
                )
            outputs = [(t.dtype.base_dtype, t.sizes) for t in op.outputs]
            node = self.nodes[op] = Node(definition, op.name, op.attrs, [], outputs, op.order, op)
            values.update(zip(op.outputs, node.outputs, strict=True))
        for tensor in self.fed:
            if tensor not in values:
                feed = find_definition("_Feed")
                if feed is not None:
                    node = Node(feed, tensor.name, {}, [], [(tensor.dtype.base_dtype, tensor.sizes)])
                    values[tensor] = node.outputs[0]
        for op in self.ops:
            self.nodes[op].inputs = [values[t] for t in op.inputs]

    def run(self, feeds: dict[Tensor, Any], recorder: Recorder | None = None) -> list[Any]:
        """The fetched values, given one value a fed tensor.

        Raises:
            tf.errors.InvalidArgumentError: a fetched tensor is dead.
        """
        return _Run(self, feeds, recorder).results()

    def evaluator(self, op: Operation) -> Evaluate:
        """A function from an operation's inputs to its outputs."""
        if op not in self.evaluate:
            self.evaluate[op] = self._evaluator(op)
        return self.evaluate[op]

    def _evaluator(self, op: Operation) -> Evaluate:
        node, store = self.nodes[op], self.runtime.resources
        handle = handle_of(op)
        if handle is not None:
            ref = variable_ref(handle)
            return lambda inputs: [store.variable(ref.key, ref.dtype, ref.sizes)]
        if op.type == "Const":
            return lambda inputs: [op.attrs["value"]]
        if op.type == "Placeholder":
            raise InvalidArgumentError(
                None,
                op,
                f"You must feed a value for placeholder tensor {op.name!r} with dtype {op.outputs[0].dtype.name}",
            )
        if op.type == "ReadVariableOp":
            return lambda inputs: [inputs[0].read().copy()]
        if op.type in ("Assign", "AssignVariableOp"):
            return lambda inputs: _assigned(self.runtime, node, inputs)
        return self._kernel(op, node)

    def _kernel(self, op: Operation, node: Node) -> Evaluate:
        compute = compute_of(node, self.runtime)
        handles = handle_inputs(node.definition, op)
        references = [t.dtype._is_ref_dtype for t in op.outputs]

        def call(inputs: Sequence[Any]) -> list[Any]:
            values = [x if i in handles else _read(x) for i, x in enumerate(inputs)]
            prepare(node, values)
            results = compute(values)
            return [inputs[0] if ref else r for r, ref in zip(results, references, strict=True)]

        return call


def _read(value: Any) -> Any:
    return value.read().copy() if isinstance(value, VariableStorage) else value


def _assigned(runtime: Runtime, node: Node, inputs: Sequence[Any]) -> list[Any]:
    assign(runtime.resources, inputs[0], _read(inputs[1]), validates(node))
    return [inputs[0]] * len(node.outputs)


def _check_frames(ops: Sequence[Operation], fed: set[Tensor]) -> None:
    """Raises InvalidArgumentError unless all inputs of each operation are in one frame."""
    frames: dict[Operation, tuple[str, ...]] = {}
    pending = list(ops)
    while pending:
        left = []
        for op in pending:
            sources = [t.op for t in op.inputs if t not in fed] + op.control_inputs
            known = [s for s in sources if s in frames]
            if sources and not known:
                left.append(op)
            else:
                frames[op] = _own_frame(op, _after(known[0], frames) if known else ())
        if len(left) == len(pending):
            raise InvalidArgumentError(None, left[0], f"The graph has a cycle through {left[0].name!r}")
        pending = left
    for op in ops:
        outer = {() if t in fed else _after(t.op, frames): t.op.name for t in op.inputs}
        if len(outer) > 1:
            text = ". ".join(f"The input {name!r} is in frame {'/'.join(f)!r}" for f, name in outer.items())
            raise InvalidArgumentError(None, op, f"The node {op.name!r} has inputs from different frames. {text}.")


def _own_frame(op: Operation, frame: tuple[str, ...]) -> tuple[str, ...]:
    return (*frame, op.attrs["frame_name"]) if _kind(op) == "Enter" else frame


def _after(op: Operation, frames: dict[Operation, tuple[str, ...]]) -> tuple[str, ...]:
    """The frame in which the outputs of an operation are."""
    return frames[op][:-1] if _kind(op) == "Exit" else frames[op]


class _Run:
    """One step: the frames, and the operations that are ready."""

    def __init__(self, program: DynamicProgram, feeds: dict[Tensor, Any], recorder: Recorder | None) -> None:
        self.program = program
        self.recorder = recorder
        self.feeds = feeds
        self.root = _Frame(None, 0, "")
        self.ready: list[tuple[int, int, int, int, Operation, _Frame, _Waiting]] = []
        self.ticket = itertools.count()
        self.found: dict[Tensor, Any] = dict(feeds)
        self.wanted = set(program.fetches)

    def results(self) -> list[Any]:
        if self.recorder is not None:
            self.recorder.resume()
        for op in self.program.ops:
            if not op.inputs and not op.control_inputs:
                self._push(op, self.root, 0, _Waiting(op))
        for tensor, value in self.feeds.items():
            for user, index in self.program.users.get(tensor, ()):
                self._arrive(user, index, value, self.root, 0)
        with np.errstate(all="ignore"):
            self._drain()
            while self._finish_dead_frames(self.root):
                self._drain()
        return [self._fetched(i, tensor) for i, tensor in enumerate(self.program.fetches)]

    def _fetched(self, index: int, tensor: Tensor) -> Any:
        value = self.found.get(tensor, DEAD)
        if value is DEAD:
            raise InvalidArgumentError(None, tensor.op, f"Retval[{index}] does not have value")
        value = _read(value)
        return value.copy()[()] if isinstance(value, np.ndarray) else value

    def _drain(self) -> None:
        while self.ready:
            _, iteration, _, _, op, frame, waiting = heapq.heappop(self.ready)
            self._execute(op, frame, iteration, waiting)

    def _push(self, op: Operation, frame: _Frame, iteration: int, waiting: _Waiting) -> None:
        waiting.done = True
        blocking = self.program.nodes[op].definition.blocking
        entry = (-frame.depth + 1000 * blocking, iteration, op.order, next(self.ticket), op, frame, waiting)
        heapq.heappush(self.ready, entry)

    # Running

    def _execute(self, op: Operation, frame: _Frame, iteration: int, waiting: _Waiting) -> None:
        kind = _kind(op)
        if kind == "Merge":
            dead = waiting.live is None
            outputs: list[Any] = [DEAD, DEAD]
            if waiting.live is not None:
                outputs = self._recorded(op, partial(_merged, waiting.values, waiting.live))
        elif waiting.dead and op.type != "ControlTrigger":
            dead, outputs = True, [DEAD] * len(op.outputs)
        else:
            dead, outputs = False, self._recorded(op, partial(self._evaluate, op, kind, waiting.values))
        if not dead and self.program.observer is not None:
            self._show(self.program.observer, self.program.nodes[op], outputs)
        self._propagate(op, kind, outputs, dead, frame, iteration)

    def _show(self, observer: Observer, node: Node, outputs: Sequence[Any]) -> None:
        try:
            observer.see(node, [None if value is DEAD else value for value in outputs])
        except Exception as error:
            raise failure_of(error, node) from error

    def _recorded(self, op: Operation, call: Callable[[], list[Any]]) -> list[Any]:
        if self.recorder is None:
            return call()
        node = self.program.nodes[op]
        result: list[Any] = self.recorder.run(work_of(node), call, partial(outputs_of, node))
        return result

    def _evaluate(self, op: Operation, kind: str, values: list[Any]) -> list[Any]:
        if kind == "Switch":
            chosen = bool(_read(values[1]))
            return [DEAD, values[0]] if chosen else [values[0], DEAD]
        if kind:
            return [values[0]]
        self.program.runtime.run_cancellation.check("The step")
        try:
            return self.program.evaluator(op)(values)
        except Exception as error:
            raise failure_of(error, self.program.nodes[op]) from error

    def _propagate(
        self, op: Operation, kind: str, outputs: list[Any], dead: bool, frame: _Frame, iteration: int
    ) -> None:
        if kind == "Enter":
            self._enter(op, outputs, dead, frame, iteration)
        elif kind == "Exit":
            if dead:
                frame.dead_exits[op] = None
            elif frame.parent is not None:
                frame.live_exits.add(op)
                self._send(op, outputs, dead, frame.parent, frame.iteration)
        elif kind == "NextIteration":
            if not dead:
                self._start_iteration(frame, iteration + 1)
                self._send(op, outputs, dead, frame, iteration + 1)
        else:
            self._send(op, outputs, dead, frame, iteration)

    def _enter(self, op: Operation, outputs: list[Any], dead: bool, frame: _Frame, iteration: int) -> None:
        key = (iteration, op.attrs["frame_name"])
        child = frame.children.get(key)
        if child is None:
            child = frame.children[key] = _Frame(frame, iteration, key[1])
        if not op.attrs["is_constant"]:
            self._send(op, outputs, dead, child, 0)
            return
        child.constants.append((op, outputs[0]))
        for i in range(len(child.waiting)):
            self._send(op, outputs, dead, child, i)

    def _start_iteration(self, frame: _Frame, iteration: int) -> None:
        if iteration == len(frame.waiting):
            frame.waiting.append({})
            for op, value in frame.constants:
                self._send(op, [value], value is DEAD, frame, iteration)

    def _send(self, op: Operation, outputs: list[Any], dead: bool, frame: _Frame, iteration: int) -> None:
        for tensor, value in zip(op.outputs, outputs, strict=True):
            if tensor in self.feeds:
                continue
            if tensor in self.wanted and frame is self.root:
                self.found[tensor] = value
            for user, index in self.program.users.get(tensor, ()):
                self._arrive(user, index, value, frame, iteration)
        for follower in self.program.followers.get(op, ()):
            self._arrive_control(follower, dead, frame, iteration)

    # Waiting

    def _waiting(self, op: Operation, frame: _Frame, iteration: int) -> _Waiting:
        table = frame.waiting[iteration]
        if op not in table:
            table[op] = _Waiting(op)
        return table[op]

    def _arrive(self, op: Operation, index: int, value: Any, frame: _Frame, iteration: int) -> None:
        waiting = self._waiting(op, frame, iteration)
        waiting.values[index] = value
        waiting.missing -= 1
        if value is DEAD:
            waiting.dead += 1
        elif waiting.live is None:
            waiting.live = index
        self._check(op, waiting, frame, iteration)

    def _arrive_control(self, op: Operation, dead: bool, frame: _Frame, iteration: int) -> None:
        waiting = self._waiting(op, frame, iteration)
        waiting.controls -= 1
        # A Merge does not die of what it waits for alone.
        waiting.dead += dead and _kind(op) != "Merge"
        self._check(op, waiting, frame, iteration)

    def _check(self, op: Operation, waiting: _Waiting, frame: _Frame, iteration: int) -> None:
        if waiting.done or waiting.controls:
            return
        if _kind(op) != "Merge":
            if not waiting.missing:
                del frame.waiting[iteration][op]
                self._push(op, frame, iteration, waiting)
        elif waiting.live is not None or waiting.dead == _expected(op, iteration):
            self._push(op, frame, iteration, waiting)

    def _finish_dead_frames(self, frame: _Frame) -> bool:
        """Lets frames whose exits never had a value tell so to the frame around, innermost first."""
        for child in frame.children.values():
            if self._finish_dead_frames(child):
                return True
        never = [op for op in frame.dead_exits if op not in frame.live_exits]
        frame.dead_exits.clear()
        if frame.parent is not None:
            for op in never:
                frame.live_exits.add(op)
                self._send(op, [DEAD], True, frame.parent, frame.iteration)
        return bool(never)


def _merged(values: Sequence[Any], live: int) -> list[Any]:
    return [values[live], np.array(live, np.int32)]


def _expected(op: Operation, iteration: int) -> int:
    """How many inputs of a Merge can arrive: those that come around do not in the first iteration, others only then."""
    around = sum(_kind(t.op) == "NextIteration" for t in op.inputs)
    return around if iteration and around else len(op.inputs) - around
