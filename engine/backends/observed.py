"""Programs that are watched: every value is shown to an observer when it is there, in the order of running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from ..native.library import Library
from ..plan.buffers import Place, Storage, View
from ..plan.plan import Plan
from ..rewriting.dataflow import Node, Value
from ..runtime import Runtime
from .cpu import CpuProgram
from .native_steps import SegmentBuilder
from .planned import Slot

# What is behind an output: an array that holds only until the observer returns, the storage of a variable, or nothing.
Shown = Callable[[], Any]


class Observer(Protocol):
    """Something that looks at what a step computes, and may end the step by raising."""

    def see(self, node: Node, values: Sequence[Any]) -> None:
        """Called after each node with one value an output, which must be copied to be kept."""


class ObservedProgram(CpuProgram):
    """A CpuProgram that runs one node at a time and shows each to an observer. Made from a plan with `watched`."""

    def __init__(
        self, plan: Plan, runtime: Runtime, observer: Observer, library: Library | str = "", threads: int = 1
    ) -> None:
        super().__init__(plan, runtime, library, threads)
        self.observer = observer

    def _bind_steps(self) -> None:
        numbers = {step.node: i for i, step in enumerate(self.plan.steps)}
        # What is fed is copied into the program's own memory, where it can be shown.
        self.numpy_buffers |= {p.buffer for p in self.plan.feeds.values() if isinstance(p, View)}
        for node, places in self.plan.watched:
            i = numbers.get(node)
            if i is not None:
                self._end_segment(self._add_step(i, self.plan.steps[i], SegmentBuilder()))
            shown = [self._shown(p, v) for p, v in zip(places, node.outputs, strict=True)]
            self.calls.append(partial(_show, self.observer, node, shown))
            self.sources.append(None)
            self.nodes.append(node)

    def _shown(self, place: Place, value: Value) -> Shown:
        if isinstance(place, View) and place.buffer.storage is Storage.CONSTANT:
            constant = self._constant(place)
            return lambda: constant
        operand = self._operand(place, value)
        return partial(getattr, operand, "value") if isinstance(operand, Slot) else lambda: operand


def _show(observer: Observer, node: Node, shown: Sequence[Shown]) -> None:
    observer.see(node, [get() for get in shown])
