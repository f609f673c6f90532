"""partial_run: a step run in parts, each operation once, with feeds that arrive between the parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .backends.failures import failure_of
from .backends.reference import ReferenceProgram
from .compiler import check_shape
from .errors import InvalidArgumentError
from .graph import Graph, Operation, Tensor
from .rewriting.dataflow import Node, Value, predecessors
from .rewriting.lower import lower
from .runtime import Runtime


class PartialRun:
    """The state of a step between calls of `partial_run`: the values so far."""

    def __init__(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
    ) -> None:
        self.flow = lower(graph, fetches, targets, feeds)
        self.program = ReferenceProgram(self.flow, runtime)
        self.fetches = dict(zip(fetches, self.flow.fetches, strict=True))
        self.targets = dict(zip(targets, self.flow.targets, strict=True))
        self.values: dict[Value, Any] = {}
        self.done: set[Node] = set()

    def run(self, fetches: Sequence[Tensor], targets: Sequence[Operation], fed: dict[Tensor, Any]) -> list[Any]:
        """The values of `fetches`, after running what they and `targets` need and has not run yet."""
        self._feed(fed)
        wanted: list[Tensor | Operation] = [*fetches, *targets]
        for item in wanted:
            if item not in self.fetches and item not in self.targets:
                raise InvalidArgumentError(None, None, f"{item.name!r} was not among the fetches of partial_run_setup")
        needed = self._needed([self.fetches[t].node for t in fetches] + [self.targets[t] for t in targets])
        with np.errstate(all="ignore"):
            for node in self.flow.nodes:
                if node in needed:
                    self._run(node)
        return [np.asarray(self.values[self.fetches[t]]).copy()[()] for t in fetches]

    def _feed(self, fed: dict[Tensor, Any]) -> None:
        for tensor, array in fed.items():
            value = self.flow.feeds.get(tensor)
            if value is None:
                raise InvalidArgumentError(None, None, f"{tensor.name!r} was not among the feeds of partial_run_setup")
            if value.node in self.done:
                raise InvalidArgumentError(None, None, f"The tensor {tensor.name!r} has already been fed.")
            check_shape(tensor, np.shape(array))
            self.values[value] = array
            self.done.add(value.node)

    def _needed(self, ends: list[Node]) -> set[Node]:
        found: set[Node] = set()
        while ends:
            node = ends.pop()
            if node in found or node in self.done:
                continue
            if node.type == "_Feed":
                raise InvalidArgumentError(
                    None, node.origin, f"You must feed a value for {node.name!r} before fetching this"
                )
            found.add(node)
            ends.extend(predecessors(node))
        return found

    def _run(self, node: Node) -> None:
        try:
            self.program.run_node(node, self.values)
        except Exception as error:
            raise failure_of(error, node) from error
        self.done.add(node)
