"""From (graph, fetches, feeds) to programs: one a combination of fed shapes, kept for the next step."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from .backends.cpu import CpuProgram
from .backends.dynamic import DynamicProgram, needs_dynamic
from .backends.gpu import GpuProgram
from .backends.gpu_passes import computes_little, counts_alone, gives_first_values, not_on_gpu, without_library
from .backends.native_steps import native_library
from .backends.observed import ObservedProgram, Observer
from .backends.planned import PlannedProgram
from .backends.reference import ReferenceProgram
from .backends.variables import StalePlanError
from .errors import FailedPreconditionError, InvalidArgumentError, UnimplementedError
from .function import FunctionGraph
from .gpu.device import Device
from .gpu.values import DeviceValue, seen
from .graph import Graph, Operation, Tensor
from .list_value import ListValue
from .native.library import default_threads
from .placement import Placement, check_placement, device_of
from .plan.plan import Plan, make_plan
from .recorder import Recorder
from .rewriting.dataflow import Dataflow
from .rewriting.lower import WHOLE, Part, fed_sizes, handle_of, lower, reachable_operations
from .rewriting.passes import ONLY_ON_DEVICES, PASSES, Rewrites
from .runtime import Runtime
from .shapes import are_compatible, sizes_text

# Plans a step keeps: one a combination of fed shapes.
MOST_PLANS = 64

Signature = tuple[tuple[int, ...], ...]
_ARRAYS = (np.ndarray, DeviceValue)
# What functions are given as it is.
_GIVEN = (np.ndarray, DeviceValue, ListValue)

# Those with programs on devices, which lack memory sooner than hosts.
_steps_on_devices: weakref.WeakSet[CompiledStep] = weakref.WeakSet()
_steps_lock = threading.Lock()


# After so many combinations of shapes, a function gets one plan that allocates as it runs.
MOST_SHAPES = 8


@contextmanager
def collector_paused() -> Iterator[None]:
    """Lets Python's collector rest: it would look through a large graph and all its nodes again and again."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Program(Protocol):
    """Something that runs a step: takes the fed values in order, gives the fetched ones.

    `gave_first_value`: a run gave a variable its first value.
    """

    gave_first_value: bool

    def run(self, feeds: Sequence[Any], recorder: Recorder | None = None) -> list[Any]:
        """The fetched values; with a recorder, the run is traced."""


# What runs steps: native kernels and NumPy, NumPy alone, one operation at a time with nothing rewritten, or a device and
# NumPy.
BACKENDS = ("cpu", "numpy", "reference", "gpu")


@dataclass(frozen=True)
class Options:
    """How steps are compiled: by which backend, with which passes, on which devices."""

    backend: str = "cpu"
    off: frozenset[str] = frozenset()
    # Threads of native kernels; 0 for as many as the machine and its launcher suggest.
    threads: int = 0
    placement: Placement = field(default_factory=Placement)
    # Is shown every value of every step, those of branches and bodies too.
    observer: Observer | None = None
    # Of the backend "gpu".
    device: Device | None = None
    # How float32 products are computed there: "float32" or "tf32".
    precision: str = "float32"
    # The dtype of products, "bfloat16" or "float16", where they have another than their operands'.
    mixed_precision: str = ""

    def placed(self) -> Options:
        """Options for operations whose task is settled, though their device may name another."""
        return replace(self, placement=replace(self.placement, placed=True))


class CompiledStep:
    """A step of a graph: its programs by the shapes of what is fed, a pool for each so that threads do not wait."""

    def __init__(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
        options: Options,
        any_shapes: bool = False,
        part: Part = WHOLE,
    ) -> None:
        self.graph = graph
        # Of a step that several tasks or calls share.
        self.part = part
        # Whether one plan must do for all shapes that the fed tensors may have.
        self.any_shapes = any_shapes
        self.fetches = list(fetches)
        self.targets = list(targets)
        self.feeds = list(feeds)
        self.fed = frozenset(feeds)
        self.runtime = runtime
        self.options = options
        self._plans: dict[Signature, Any] = {}
        self._idle: dict[Signature, list[Program]] = {}
        self._lock = threading.Lock()

    def run(self, values: Sequence[Any], there: bool = False) -> list[Any]:
        """The fetched values, given arrays (or handles) for the fed tensors in their order.

        With `there`, they may be values of a device's memory, and large ones are given so where they are there.
        """
        signature = tuple(
            [v.shape if isinstance(v, _ARRAYS) else np.shape(v) if isinstance(v, np.generic) else () for v in values]
        )
        if self.any_shapes:
            signature = ()
        try:
            return self._run(signature, values, there)
        except StalePlanError:
            # A variable was given another shape: plans made with the old one do not hold.
            with self._lock:
                self._plans.clear()
                self._idle.clear()
        try:
            return self._run(signature, values, there)
        except StalePlanError as error:
            raise FailedPreconditionError(None, None, f"The step cannot run: {error}") from error

    def _run(self, signature: Signature, values: Sequence[Any], there: bool) -> list[Any]:
        try:
            # Another thread may take the last one between a look and a pop.
            program = self._idle[signature].pop()
        except (KeyError, IndexError):
            program = self._new_program(signature)
        recorders = self.runtime.recorders
        recorder = recorders.get(threading.get_ident()) if recorders else None
        try:
            if there:
                return _run_there(program, values, recorder)
            return program.run(values, recorder)
        finally:
            idle = self._idle.get(signature)
            if idle is not None and not program.gave_first_value:
                idle.append(program)

    def _new_program(self, signature: Signature) -> Program:
        with self._lock:
            self._idle.setdefault(signature, [])
            if signature not in self._plans:
                self._forget_oldest()
                with collector_paused():
                    self._plans[signature] = self._compile(signature)
            made = self._plans[signature]
        if not isinstance(made, Plan):
            return _Ordered(self, made)
        program, device = self._bound(made), self.options.device
        if device and isinstance(self.graph, FunctionGraph) and computes_little(made) and not counts_alone(made):
            return _Little(program, partial(self._on_device, made, device))
        return program

    def _bound(self, plan: Plan) -> PlannedProgram:
        options, observer = self.options, self.options.observer
        library = native_library() if options.backend in ("cpu", "gpu") else f"the backend is {options.backend}"
        threads = options.threads or default_threads()
        # What first values are made of, and steps without a kernel there, are not worth the way to a device.
        tiny = isinstance(self.graph, FunctionGraph) and computes_little(plan)
        if options.device and not (observer or tiny or gives_first_values(plan, self.runtime.resources)):
            program = self._on_device(plan, options.device)
            if program.runs_on_device:
                return program
        if observer is not None:
            return ObservedProgram(plan, self.runtime, observer, library, threads)
        return CpuProgram(plan, self.runtime, library, threads)

    def _on_device(self, plan: Plan, device: Device) -> GpuProgram:
        with _steps_lock:
            _steps_on_devices.add(self)
        program = GpuProgram(plan, self.runtime, device, self.options.precision, _drop_all_idle)
        program.bind()
        return program

    def drop_idle(self) -> None:
        """Lets go of all programs that do not run just now, and of their memory; their plans stay."""
        for programs in list(self._idle.values()):
            programs.clear()

    def _forget_oldest(self) -> None:
        # A step fed with ever new shapes must not keep an arena for each of them.
        while len(self._plans) >= MOST_PLANS:
            oldest = next(iter(self._plans))
            del self._plans[oldest]
            self._idle.pop(oldest, None)

    def _compile(self, signature: Signature) -> Any:
        for tensor, shape in zip(self.feeds, signature, strict=not self.any_shapes):
            if not self._is_loose(tensor, shape):
                check_shape(tensor, shape)
        ops = list(reachable_operations(self.fetches, self.targets, set(self.feeds), self.part.done))
        check_placement(ops, self.options.placement)
        if needs_dynamic(ops):
            _check_whole(self.part)
            observer = self.options.observer
            return DynamicProgram(self.graph, self.fetches, self.targets, self.feeds, self.runtime, observer)
        flow = self.lowered(signature)
        self._note_turns(flow)
        if self.options.backend == "reference":
            return ReferenceProgram(flow, self.runtime, self.options.observer)
        off, device = self.options.off, self.options.device
        off |= ONLY_ON_DEVICES if device is None else not_on_gpu() | without_library(flow, device)
        rewrites = Rewrites(off, self.options.mixed_precision)
        plan = make_plan(rewrites.apply(flow, PASSES), watched=self.options.observer is not None)
        plan.rewrites = rewrites.log
        plan.of_function = flow.of_function
        return plan

    def _note_turns(self, flow: Dataflow) -> None:
        if not isinstance(self.graph, FunctionGraph):
            return
        flow.of_function = True
        inputs, outputs = self.graph.inputs, self.graph.outputs
        if [t.dtype for t in inputs] == [t.dtype for t in outputs]:
            places = {tensor: i for i, tensor in enumerate(self.fetches)}
            pairs = zip(inputs, outputs, strict=True)
            flow.turns = {given: places[made] for given, made in pairs if given in flow.feeds and made in places}

    def lowered(self, signature: Signature) -> Dataflow:
        """The step before any rewriting, with the fed shapes filled in."""
        pairs = zip(self.feeds, signature, strict=not self.any_shapes)
        loose = [tensor for tensor, shape in pairs if self._is_loose(tensor, shape)]
        flow = lower(self.graph, self.fetches, self.targets, self.feeds, loose, self.part)
        for tensor, shape in zip(self.feeds, signature, strict=not self.any_shapes):
            if flow.feeds[tensor].dtype.name not in ("resource", "variant"):
                flow.feeds[tensor].sizes = shape
        return flow

    def _is_loose(self, tensor: Tensor, shape: tuple[int, ...]) -> bool:
        # What a function captures may come from a variable that was given another shape.
        captured = isinstance(self.graph, FunctionGraph) and tensor in self.graph.captured.values()
        return captured and not are_compatible(shape, fed_sizes(tensor, self.part))

    def device_of(self, op: Operation) -> str:
        """The full name of the device on which an operation of the step runs."""
        return device_of(op, self.options.placement)

    @property
    def plan_count(self) -> int:
        """For how many combinations of fed shapes there is a plan."""
        return len(self._plans)

    def explain(self, signature: Signature) -> tuple[Any, ...]:
        """The plan for fed shapes and what its program says of its steps: what `session.explain` prints."""
        plan = self.plan_of(signature)
        if not isinstance(plan, Plan):
            return plan, None
        program = self._bound(plan)
        program.bind()
        return plan, program.reasons, program.native_name, program.notes()

    def plan_of(self, signature: Signature) -> Any:
        """The plan for fed shapes, compiled if need be."""
        with self._lock:
            if signature not in self._plans:
                self._idle.setdefault(signature, [])
                with collector_paused():
                    self._plans[signature] = self._compile(signature)
        return self._plans[signature]


def _drop_all_idle() -> None:
    """Lets go of the programs that wait to run again, for other shapes mostly: they may hold what another one needs."""
    with _steps_lock:
        waiting = list(_steps_on_devices)
    for step in waiting:
        step.drop_idle()


def _check_whole(part: Part) -> None:
    if part.done:
        names = sorted(op.name for op in part.done)[:3]
        raise UnimplementedError(
            None, None, f"Raw control flow (Enter, Switch, ...) cannot wait for operations of other tasks: {names}"
        )


def _run_there(program: Program, values: Sequence[Any], recorder: Recorder | None) -> list[Any]:
    if isinstance(program, _Little):
        program = program.chosen(values)
    if isinstance(program, GpuProgram):
        return program.run(values, recorder, there=True)
    return program.run([seen(value) for value in values], recorder)


class _Little:
    """A function of a few numbers: the host computes it, unless a device has some of them and would be waited for."""

    def __init__(self, on_host: Program, on_device: Callable[[], Program]) -> None:
        self._on_host, self._make = on_host, on_device
        self._on_device: Program | None = None
        self.gave_first_value = False

    def run(self, feeds: Sequence[Any], recorder: Recorder | None = None) -> list[Any]:
        return self._on_host.run(feeds, recorder)

    def chosen(self, values: Sequence[Any]) -> Program:
        """The program for values that are here and there."""
        if not any(isinstance(value, DeviceValue) for value in values):
            return self._on_host
        if self._on_device is None:
            self._on_device = self._make()
        return self._on_device


class _Ordered:
    """A program that looks fed values up by tensor, in the place of one that takes them in order."""

    gave_first_value = False

    def __init__(self, step: CompiledStep, program: ReferenceProgram | DynamicProgram) -> None:
        self.step = step
        self.program = program

    def run(self, feeds: Sequence[Any], recorder: Recorder | None = None) -> list[Any]:
        return self.program.run(dict(zip(self.step.feeds, feeds, strict=True)), recorder)


def check_shape(tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless an array of `shape` may be fed for `tensor`."""
    sizes = tensor.sizes
    if sizes is None or tensor.dtype.name in ("resource", "variant"):
        return
    if len(sizes) != len(shape) or any(s is not None and s != n for s, n in zip(sizes, shape, strict=True)):
        raise ValueError(
            f"Cannot feed value of shape {tuple(shape)} for Tensor {tensor.name!r}, which has shape {sizes_text(sizes)}"
        )


class FunctionCalls:
    """Calls of functions' graphs from kernels: one CompiledStep a function and number of outputs asked for."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.runtime: Runtime | None = None
        self._calls: dict[tuple[Graph, int], _FunctionCall] = {}

    def __call__(self, graph: Any, values: Sequence[Any], count: int | None = None) -> list[Any]:
        """The first `count` outputs (all by default) of a function's graph for one value an input.

        Values of variables' handles are not looked at, unless they are arrays: what another task sent in the variable's
        place. A function that was extended for its gradient has more inputs
        and outputs than the calls compiled before know of; their outputs need none of the further inputs.
        """
        return self._call(graph, count)(values)

    def _call(self, graph: Any, count: int | None) -> _FunctionCall:
        key = (graph, len(graph.outputs) if count is None else count)
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = self._new_call(*key)
        return call

    def there(self, graph: Any, values: Sequence[Any], count: int | None = None) -> list[Any]:
        """As a call; values may be in a device's memory, and large ones are left there."""
        return self._call(graph, count)(values, there=True)

    def forget(self) -> None:
        """Lets go of all that was compiled."""
        self._calls.clear()

    def _new_call(self, graph: Any, count: int) -> _FunctionCall:
        if self.runtime is None:
            raise InvalidArgumentError(None, None, "functions can be called only while a session runs")
        return _FunctionCall(graph, count, self.runtime, self.options)


class _FunctionCall:
    """One function with the first of its outputs. Outputs that are inputs are handed on, and never computed or copied."""

    def __init__(
        self, graph: Any, count: int, runtime: Runtime, options: Options, lent: frozenset[int] = frozenset()
    ) -> None:
        self._make = partial(_FunctionCall, graph, count, runtime, options)
        # The handles of variables, and those that stand for their values.
        self.handles = [i for i, t in enumerate(graph.inputs) if handle_of(t.op) is not None]
        self.lent = lent
        self._others: dict[frozenset[int], _FunctionCall] = {}
        position = {tensor: i for i, tensor in enumerate(graph.inputs)}
        self.handed_on = [(i, position[t]) for i, t in enumerate(graph.outputs[:count]) if t in position]
        fetches = {t: None for t in graph.outputs[:count] if t not in position}
        order = {t: i for i, t in enumerate(fetches)}
        self.computed = [(i, order[t]) for i, t in enumerate(graph.outputs[:count]) if t in order]
        ops = reachable_operations(fetches, graph.control_outputs, set())
        needed = [i for i, t in enumerate(graph.inputs) if t.op in ops]
        self.given = [i for i in needed if i in lent or handle_of(graph.inputs[i].op) is None]
        feeds = [graph.inputs[i] for i in self.given]
        self.count = count
        self.runs = bool(fetches or graph.control_outputs)
        part = Part(values=frozenset(graph.inputs[i] for i in lent))
        self.step, self.any_shapes = (
            CompiledStep(graph, list(fetches), graph.control_outputs, feeds, runtime, options, loose, part)
            for loose in (False, True)
        )

    def __call__(self, values: Sequence[Any], there: bool = False) -> list[Any]:
        if self.handles:
            lent = frozenset(i for i in self.handles if i < len(values) and isinstance(values[i], _ARRAYS))
            if lent != self.lent:
                return self._with(lent)(values, there)
        results: list[Any] = [None] * self.count
        for i, source in self.handed_on:
            results[i] = values[source]
        if self.runs:
            # A loop over growing arrays would compile its body anew in each iteration.
            step = self.step if self.step.plan_count <= MOST_SHAPES else self.any_shapes
            given = [values[i] for i in self.given]
            found = step.run([v if isinstance(v, _GIVEN) else argument(v) for v in given], there)
            for i, source in self.computed:
                results[i] = found[source]
        return results

    def _with(self, lent: frozenset[int]) -> _FunctionCall:
        if lent not in self._others:
            self._others[lent] = self._make(lent)
        return self._others[lent]


def argument(value: Any) -> Any:
    """A fetched value as one to feed: scalars are fetched as NumPy scalars or bytes, and kernels take arrays."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    return np.array(value, object) if isinstance(value, bytes) else value
