"""Iterators over Python sources as ops: each run of a get-next takes the next element of a session's own iterator."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError, OutOfRangeError
from ..graph import Graph, Sizes, Tensor
from ..inference import InferenceContext, scalar_shape
from ..registry import op
from ..samples import Sample
from ..shapes import TensorShape


class Source:
    """Something that can be iterated over anew by each session: `start()` gives an iterator of lists of arrays."""

    def __init__(self, start: Callable[[], Iterator[Sequence[Any]]]) -> None:
        self.start = start


# The graph that uses a source keeps it alive; a token in an imported graph finds nothing and runs nothing.
_sources: weakref.WeakValueDictionary[str, Source] = weakref.WeakValueDictionary()


def keep_source(graph: Graph, source: Source) -> str:
    """Ties a source to a graph and returns the token under which its operations find it."""
    token = f"source_{id(source):x}"
    _sources[token] = source
    graph.outermost().extras.setdefault("iterator_sources", []).append(source)
    return token


class SharedIterator:
    """An iterator that threads may share."""

    def __init__(self, elements: Iterator[Sequence[Any]]) -> None:
        self.elements = elements
        self.lock = threading.Lock()

    def next(self) -> Sequence[Any]:
        """The next element; OutOfRangeError at the end."""
        with self.lock:
            try:
                return next(self.elements)
            except StopIteration:
                raise OutOfRangeError(None, None, "End of sequence") from None


@op("OneShotIterator", "", "handle: resource", shape=scalar_shape, stateful=True, touches_files=True)
def one_shot_iterator_op(*, token: str, name: str | None = None) -> Tensor:
    """A session's iterator over the source that `token` names; it starts at its first use and never again."""


@one_shot_iterator_op.state
def one_shot_iterator_state(context: Any, *, token: str) -> Any:
    def start() -> SharedIterator:
        source = _sources.get(token)
        if source is None:
            raise InvalidArgumentError(
                None, None, f"The data source of iterator {context.name!r} is not in this process"
            )
        return SharedIterator(source.start())

    return context.resources.object("iterators", context.name, start)


@op("IteratorGetNext", "iterator: resource", "components: output_types", stateful=True, blocking=True)
def iterator_get_next_op(
    iterator: Any, *, output_types: list[DType], output_shapes: list[TensorShape], name: str | None = None
) -> list[Tensor]:
    """The next element's components; OutOfRangeError at the end of the sequence."""
    raise NotImplementedError


@iterator_get_next_op.shape
def iterator_get_next_shape(context: InferenceContext) -> list[Sizes]:
    return [shape.sizes for shape in context["output_shapes"]]


@iterator_get_next_op.state
def iterator_get_next_state(
    context: Any, iterator: SharedIterator, *, output_types: list[DType], output_shapes: list[TensorShape]
) -> Any:
    return list(iterator.next())


@iterator_get_next_op.samples
@one_shot_iterator_op.samples
def iterator_samples(rng: np.random.Generator) -> list[Sample]:
    # An iterator needs a source that lives in the process: tests of datasets cover it.
    return []
