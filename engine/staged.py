"""Steps that take elements of datasets: these are taken first, and the rest is planned for the shapes that they have."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .backends.dynamic import needs_dynamic
from .compiler import CompiledStep, Options, Signature, argument
from .function import FunctionGraph
from .graph import Graph, Operation, Tensor
from .rewriting.lower import Part, reachable_operations
from .runtime import Runtime
from .targets import TargetStep

_SOURCE = "IteratorGetNext"
# What a source may need: to run any of it again changes nothing.
_HANDLES = frozenset({"IteratorV2", "OneShotIterator", "IteratorFromStringHandleV2", "Const", "Placeholder", "NoOp"})
# As many shapes are planned for at least, and one more for every few runs; a step of ever new shapes is planned for any.
_SHAPES, _RUNS_A_SHAPE = 16, 4


def compile_step(
    graph: Graph,
    fetches: Sequence[Tensor],
    targets: Sequence[Operation],
    feeds: Sequence[Tensor],
    runtime: Runtime,
    options: Options,
) -> TargetStep:
    """A step of this process."""
    whole = CompiledStep(graph, fetches, targets, feeds, runtime, options)
    if options.backend == "reference" or options.observer is not None or isinstance(graph, FunctionGraph):
        return whole
    if any(op.type == _SOURCE for op in graph.get_operations()):
        elements = _elements(whole)
        if elements:
            return StagedStep(whole, elements)
    return whole


def _elements(step: CompiledStep) -> list[Tensor]:
    """What iterators give and the rest of the step takes; nothing where all shapes are known or nothing is computed."""
    ops = reachable_operations(step.fetches, step.targets, set(step.fed))
    if needs_dynamic(list(ops)):
        return []
    sources = [op for op in ops if op.type == _SOURCE and _only_handles(op, step.fed)]
    outputs = {t for op in sources for t in op.outputs} - step.fed
    taken = {t for op in ops for t in op.inputs if t in outputs}
    numbers = [t for t in taken if not t.dtype.base_dtype.numpy.hasobject]
    if all(t.sizes is not None and None not in t.sizes for t in numbers):
        return []
    taken.update(t for t in step.fetches if t in outputs)
    return sorted(taken, key=lambda t: (t.op.order, t.value_index))


def _only_handles(source: Operation, fed: frozenset[Tensor]) -> bool:
    ops = reachable_operations((), [source], set(fed)) - {source}
    return all(op.type in _HANDLES for op in ops)


class StagedStep:
    """A step in two: one that takes elements of datasets, one that computes with them, with its own plan for each shape."""

    def __init__(self, whole: CompiledStep, elements: Sequence[Tensor]) -> None:
        self.whole = whole
        self.graph, self.fetches, self.targets = whole.graph, whole.fetches, whole.targets
        self.feeds, self.fed, self.runtime, self.options = whole.feeds, whole.fed, whole.runtime, whole.options
        self.elements = list(elements)
        self.shapes: set[Signature] = set()
        self.last: Signature | None = None
        self.runs = 0

    @cached_property
    def sources(self) -> list[Operation]:
        """What gives the elements."""
        return list(dict.fromkeys(t.op for t in self.elements))

    @cached_property
    def first(self) -> CompiledStep:
        """What takes the elements."""
        needed = reachable_operations((), self.sources, set(self.feeds))
        self.given = [i for i, t in enumerate(self.feeds) if t.op in needed or any(t in op.inputs for op in needed)]
        feeds = [self.feeds[i] for i in self.given]
        return CompiledStep(self.graph, self.elements, (), feeds, self.runtime, self.options)

    @cached_property
    def rest(self) -> CompiledStep:
        """What is computed with them."""
        targets = [op for op in self.targets if op not in self.sources]
        part = Part(done=frozenset(self.sources), computed=frozenset(self.elements))
        feeds = [*self.feeds, *self.elements]
        return CompiledStep(self.graph, self.fetches, targets, feeds, self.runtime, self.options, part=part)

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The fetched values, given one value a fed tensor."""
        self.runs += 1
        if len(self.shapes) > _SHAPES + self.runs // _RUNS_A_SHAPE:
            return self.whole.run(values)
        first = self.first
        elements = [argument(value) for value in first.run([values[i] for i in self.given])]
        self.last = tuple(np.shape(value) for value in elements)
        self.shapes.add(self.last)
        return self.rest.run([*values, *elements])

    def explain(self, signature: Signature) -> str | tuple[Any, ...]:
        """What `session.explain` prints: for the elements of the last run, if there was one."""
        if self.last is None:
            return self.whole.explain(signature)
        from .show import show_plan  # printing is not needed to run

        first = show_plan(*self.first.explain(tuple(signature[i] for i in self.given)))
        rest = show_plan(*self.rest.explain((*signature, *self.last)))
        return f"First, the elements of datasets:\n{first}\nThen, for those of the last run:\n{rest}"

    def device_of(self, op: Operation) -> str:
        """The full name of the device on which an operation of the step runs."""
        return self.whole.device_of(op)
