"""Plan: how the elements of a dataset are made, without the names that programs use; Dataset adds these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ..engine.graph import Tensor, get_default_graph
from ..engine.nest import flatten
from ..engine.ops.iterators import keep_source, python_dataset_op
from ..engine.rewriting.lower import handle_of
from ..engine.runtime import Runtime
from .cardinality import Count, unknown
from .running import Chance, Elements, Make, Mapped, Run, SeedLog
from .structure import TensorSpec


class Plan:
    """Elements of a structure, and how an iteration over them starts.

    Args:
        element_spec: the structure of an element, with specs as leaves.
        tensors: of the graph, whose values an iteration needs.
        make: starts an iteration.
        sources: the datasets, functions and chances that it is made from.
    """

    def __init__(self, element_spec: Any, tensors: Sequence[Tensor], make: Make, sources: Sequence[Any] = ()) -> None:
        self.element_spec = element_spec
        self.tensors = list(dict.fromkeys(tensors))
        self._make = make
        self._count: Count = unknown
        self.chances: list[Chance] = list(dict.fromkeys(chance for source in sources for chance in source.chances))

    def begin(self, run: Run) -> Elements:
        """An iteration within a run."""
        return self._make(run)

    def counted(self, count: Count) -> Self:
        """Itself, with what tells how many elements it has."""
        self._count = count
        return self

    def count(self, run: Run) -> int:
        """How many elements an iteration within a run has; INFINITE or UNKNOWN for no number."""
        return self._count(run)

    def bind(self, values: Sequence[Any]) -> Bound:
        """The plan with the values of its tensors, those of variables left out."""
        return Bound(self, dict(zip(self._needed, values, strict=True)))

    @property
    def _needed(self) -> list[Tensor]:
        return [t for t in self.tensors if handle_of(t.op) is None]

    @property
    def _variant_tensor(self) -> Tensor:
        return python_dataset_op(self._needed, token=keep_source(get_default_graph(), self))


class Bound:
    """A plan with the values of its tensors: what its variant tensor holds while a step runs."""

    def __init__(self, dataset: Plan, values: dict[Tensor, Any]) -> None:
        self.dataset, self.values = dataset, values

    def cardinality(self, runtime: Runtime) -> int:
        """How many elements an iteration has."""
        return self.dataset.count(Run(runtime, self.values, SeedLog([])))

    def start(self, runtime: Runtime, seeds: list[tuple[int, int]]) -> Elements:
        """A fresh iteration whose elements are lists of arrays, one a part."""
        leaves = flatten(self.dataset.element_spec)
        source = self.dataset.begin(Run(runtime, self.values, SeedLog(seeds, self.dataset.chances)))
        if all(type(leaf) is TensorSpec for leaf in leaves):
            return source
        return Mapped(
            source,
            lambda element: [v for s, x in zip(leaves, element, strict=True) for v in s.values_of(x)],
            pure=True,
        )
