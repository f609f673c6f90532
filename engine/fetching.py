"""What is fetched: nested structures of tensors, operations, names and variables, and how results are put back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from .graph import Graph, Operation, Tensor
from .tensor_types import IndexedSlices, IndexedSlicesValue, SparseTensor, SparseTensorValue

Rebuild = Callable[[dict[Tensor, Any]], Any]


def key_of(fetches: Any) -> Hashable:
    """Something hashable that stands for a fetch structure."""
    if isinstance(fetches, list | tuple):
        return (type(fetches), tuple([key_of(f) for f in fetches]))
    if isinstance(fetches, dict):
        return (type(fetches), tuple((k, key_of(v)) for k, v in fetches.items()))
    return fetches  # type: ignore[no-any-return]


class FetchStructure:
    """The tensors and operations that a fetch structure names, each once, and the way back to the structure."""

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self.graph = graph
        self.tensors: dict[Tensor, None] = {}
        self.targets: dict[Operation, None] = {}
        self.rebuild = self._read(fetches)

    def result(self, values: Sequence[Any]) -> Any:
        """The structure with values in the places of tensors and None in those of operations."""
        return self.rebuild(dict(zip(self.tensors, values, strict=True)))

    def _read(self, fetch: Any) -> Rebuild:
        if fetch is None:
            raise TypeError("Fetch argument None has invalid type NoneType")
        if isinstance(fetch, IndexedSlices):
            return self._indexed_slices(fetch)
        if isinstance(fetch, SparseTensor):
            return self._sparse(fetch)
        if isinstance(fetch, dict):
            return self._dict(fetch)
        if isinstance(fetch, list | tuple):
            return self._sequence(fetch)
        return self._element(fetch)

    def _element(self, fetch: Any) -> Rebuild:
        try:
            element = self.graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch).__name__}, must be a string or Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error})") from None
        if isinstance(element, Operation):
            self.targets[element] = None
            return lambda values: None
        self.tensors[element] = None
        return lambda values: values[element]

    def _indexed_slices(self, fetch: IndexedSlices) -> Rebuild:
        values, indices = self._element(fetch.values), self._element(fetch.indices)
        shape = None if fetch.dense_shape is None else self._element(fetch.dense_shape)
        return lambda v: IndexedSlicesValue(values(v), indices(v), None if shape is None else shape(v))

    def _sparse(self, fetch: SparseTensor) -> Rebuild:
        parts = [self._element(t) for t in (fetch.indices, fetch.values, fetch.dense_shape)]
        return lambda v: SparseTensorValue(*(p(v) for p in parts))

    def _dict(self, fetch: dict[Any, Any]) -> Rebuild:
        parts = {k: self._read(v) for k, v in fetch.items()}
        kind = type(fetch)
        return lambda values: kind((k, p(values)) for k, p in parts.items())

    def _sequence(self, fetch: Sequence[Any]) -> Rebuild:
        parts = [self._read(f) for f in fetch]
        kind: Any = type(fetch)
        if hasattr(fetch, "_fields"):
            return lambda values: kind(*[p(values) for p in parts])
        return lambda values: kind([p(values) for p in parts])
