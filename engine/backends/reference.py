"""The reference executor: NumPy, one op at a time, nothing rewritten, nothing reused. The oracle of all backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..graph import Tensor
from ..recorder import Output, Recorder
from ..resources import ResourceStore, VariableStorage
from ..rewriting.dataflow import Dataflow, Node, Value
from ..runtime import Runtime
from .arguments import compute_of
from .failures import failure_of
from .observed import Observer
from .traced import outputs_of, work_of
from .variables import assign, prepare, storage_of, validates


class ReferenceProgram:
    """A lowered step, run by looking every value up in a dictionary; an observer is shown each."""

    def __init__(self, flow: Dataflow, runtime: Runtime, observer: Observer | None = None) -> None:
        self.flow = flow
        self.runtime = runtime
        self.observer = observer

    def run(self, feeds: dict[Tensor, Any], recorder: Recorder | None = None) -> list[Any]:
        """The fetched values, given one value a fed tensor."""
        values: dict[Value, Any] = {v: feeds[t] for t, v in self.flow.feeds.items()}
        run_node = self.run_node if recorder is None else self._recorded(recorder)
        with np.errstate(all="ignore"):
            for node in self.flow.nodes:
                try:
                    if node.type != "_Feed":
                        run_node(node, values)
                    if self.observer is not None:
                        self.observer.see(node, [self._shown(v, values) for v in node.outputs])
                except Exception as error:
                    raise failure_of(error, node) from error
        return [_copied(values[v]) for v in self.flow.fetches]

    def _shown(self, value: Value, values: dict[Value, Any]) -> Any:
        return values.get(value) if value.variable is None else storage_of(self.runtime.resources, value)

    def _recorded(self, recorder: Recorder) -> Callable[[Node, dict[Value, Any]], None]:
        recorder.resume()

        def run_node(node: Node, values: dict[Value, Any]) -> None:
            outputs = partial(_outputs, node, values)
            recorder.run(work_of(node), partial(self.run_node, node, values), outputs)

        return run_node

    def run_node(self, node: Node, values: dict[Value, Any]) -> None:
        store = self.runtime.resources
        if node.outputs and node.outputs[0].variable is not None and not node.inputs:
            values[node.outputs[0]] = storage_of(store, node.outputs[0])
            return
        inputs = [_storage(store, v) if v.variable is not None else values[v] for v in node.inputs]
        values.update(zip(node.outputs, self._outputs(node, inputs), strict=True))

    def _outputs(self, node: Node, inputs: Sequence[Any]) -> list[Any]:
        if node.type == "Const":
            return [node.attrs["value"]]
        if node.type == "ReadVariableOp":
            return [inputs[0].read().copy()]
        if node.type in ("Assign", "AssignVariableOp"):
            assign(self.runtime.resources, inputs[0], inputs[1], validates(node))
            return [None] * len(node.outputs)
        prepare(node, inputs)
        return compute_of(node, self.runtime)(inputs)


def _storage(store: ResourceStore, value: Value) -> VariableStorage:
    return storage_of(store, value)


def _outputs(node: Node, values: dict[Value, Any], result: None) -> list[Output]:
    return outputs_of(node, [values[v] for v in node.outputs])


def _copied(value: Any) -> Any:
    return value.copy()[()] if isinstance(value, np.ndarray) else value
