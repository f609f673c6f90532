"""Dataset: a pipeline of elements, each a structure of tensors, and the iterators that feed them to a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..engine.dtypes import DType
from ..engine.graph import Tensor, get_default_graph
from ..engine.nest import map_structure, pack_sequence_as
from ..engine.ops.iterators import Source, iterator_get_next_op, keep_source, one_shot_iterator_op
from ..engine.shapes import TensorShape


class Dataset:
    """Elements that can be iterated over any number of times. Subclasses say what the elements are.

    `structure` nests integers that number the components of an element; `types` and `shapes` are per component.
    """

    def __init__(self, structure: Any, types: Sequence[DType], shapes: Sequence[TensorShape]) -> None:
        self.structure = structure
        self.types = list(types)
        self.shapes = list(shapes)

    def elements(self) -> Iterator[Sequence[Any]]:
        """A fresh iterator over the elements, each a flat list of arrays."""
        raise NotImplementedError

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's components, in its structure."""
        return map_structure(lambda i: self.types[i], self.structure)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of an element's components, in its structure."""
        return map_structure(lambda i: self.shapes[i], self.structure)

    def make_one_shot_iterator(self) -> OneShotIterator:
        """An iterator that each session runs through once, without initialisation."""
        return OneShotIterator(self)


class OneShotIterator:
    """An iterator over a dataset in the default graph."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        token = keep_source(get_default_graph(), Source(dataset.elements))
        self._handle = one_shot_iterator_op(token=token)

    def get_next(self, name: str | None = None) -> Any:
        """Tensors that take the next element at every run, in its structure; OutOfRangeError at the end."""
        data = self.dataset
        parts: list[Tensor] = list(
            iterator_get_next_op(self._handle, output_types=data.types, output_shapes=data.shapes, name=name)
        )
        return pack_sequence_as(data.structure, parts)
