"""Iterators over Python sources as ops: each run of a get-next takes the next element of a session's own iterator."""

from __future__ import annotations

import itertools
import json
import logging
import random
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..dtypes import DType
from ..errors import CancelledError, FailedPreconditionError, InvalidArgumentError, NotFoundError, OutOfRangeError
from ..graph import Graph, Operation, Sizes, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..registry import op
from ..runtime import Runtime
from ..samples import Sample
from ..shapes import TensorShape

STORE = "iterators"

_log = logging.getLogger("absl")


class Elements(Protocol):
    """A running iteration: flat lists of arrays one after the other."""

    def __next__(self) -> Sequence[Any]:
        """The next element; StopIteration at the end."""

    def skip(self, count: int) -> int:
        """Passes over elements without making them where that can be; how many there were."""


class Startable(Protocol):
    """A source together with the values of the tensors that it depends on."""

    def start(self, runtime: Runtime, seeds: list[tuple[int, int]]) -> Elements:
        """A fresh iteration. All random numbers follow from `seeds`, one pair."""

    def cardinality(self, runtime: Runtime) -> int:
        """How many elements an iteration has; -1 for no end, -2 where only the elements tell."""


class Source(Protocol):
    """Something that iterations come from; it lives in the process and not in the graph."""

    def bind(self, values: Sequence[Any]) -> Startable:
        """The source with the values of its tensors."""


class Reduction(Protocol):
    """What combines the elements of a source."""

    def combined(self, runtime: Runtime, dataset: Startable, state: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """The last state."""


# The graph that uses a source keeps it alive; a token in an imported graph finds nothing and runs nothing.
_sources: weakref.WeakValueDictionary[str, Source | Reduction] = weakref.WeakValueDictionary()
_numbers = itertools.count()


def keep_source(graph: Graph, source: Source | Reduction) -> str:
    """Ties a source to a graph and returns the token under which its operations find it."""
    token = f"source_{next(_numbers)}"
    _sources[token] = source
    graph.outermost().extras.setdefault("iterator_sources", []).append(source)
    return token


def _source_of(context: Any, token: str) -> Any:
    source = _sources.get(token)
    if source is None:
        raise InvalidArgumentError(None, None, f"The data source of {context.name!r} is not in this process")
    return source


class SharedIterator:
    """An iterator that threads may share: one of a session, under its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.elements: Elements | None = None
        self.started = False
        self.position = 0
        # Elements before the position that could not be made.
        self.failures = 0
        self.seeds: list[tuple[int, int]] = []
        self.lock = threading.Lock()
        self._wanted: dict[str, Any] | None = None
        self._begin: Callable[[list[tuple[int, int]]], Elements] | None = None

    def start(self, source: Startable, runtime: Runtime) -> None:
        """Begins anew, or at the position that was set before the first start."""
        with self.lock:
            self._begin = lambda seeds: source.start(runtime, seeds)
            wanted, self._wanted = self._wanted, None
            self._start(wanted or {"position": 0, "seeds": []})

    def _start(self, state: dict[str, Any]) -> None:
        self.seeds = [(int(a), int(b)) for a, b in state["seeds"]] or [_fresh_seed()]
        self.elements, self.position, self.failures = None, 0, int(state.get("failures", 0))
        if self._begin is not None:
            self.elements = self._begin(self.seeds)
            self.position = self._passed(self.elements, int(state["position"]))
            self.started = True

    def _passed(self, elements: Elements, count: int) -> int:
        if not self.failures:
            return elements.skip(count)
        # How much of its input a failed element took is known only by making all again.
        for done in range(count):
            try:
                next(elements)
            except StopIteration:
                return done
            except Exception as error:
                _log.debug("passed over an element that cannot be made: %s", error)
        return count

    def next(self) -> Sequence[Any]:
        """The next element; OutOfRangeError at the end, FailedPreconditionError before the start."""
        with self.lock:
            if self.elements is None:
                raise FailedPreconditionError(
                    None, None, "GetNext() failed because the iterator has not been initialized. Ensure that you have "
                    "run the initializer operation for this iterator before getting the next element.",
                )  # fmt: skip
            try:
                element = next(self.elements)
            except StopIteration:
                raise OutOfRangeError(None, None, "End of sequence") from None
            except CancelledError:
                raise
            except Exception:
                self.position, self.failures = self.position + 1, self.failures + 1
                raise
            self.position += 1
            return element

    def get_state(self) -> dict[str, Any]:
        """The position, of numbers and lists alone, so that it can be written as JSON."""
        with self.lock:
            if self._begin is None and self._wanted is None:
                # What is drawn from here on belongs to the position, the first one too.
                self._wanted = {"position": 0, "seeds": [list(_fresh_seed())], "failures": 0}
            if self._wanted is not None:
                return self._wanted
            seeds = [list(pair) for pair in self.seeds]
            return {"position": self.position, "seeds": seeds, "failures": self.failures}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on at a saved position: at once if the iterator was started, else when it starts.

        Raises:
            InvalidArgumentError: this is no state of an iterator.
        """
        wanted = _checked_state(state)
        with self.lock:
            if self._begin is None:
                self._wanted = wanted
            else:
                self._start(wanted)


def _fresh_seed() -> tuple[int, int]:
    return random.getrandbits(31), random.getrandbits(31)


def _checked_state(state: Any) -> dict[str, Any]:
    try:
        numbers = {key: int(state.get(key, 0)) for key in ("position", "failures")}
        seeds = [[int(first), int(second)] for first, second in state["seeds"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidArgumentError(None, None, f"No state of an iterator: {state!r:.200}") from None
    if min(numbers.values()) < 0:
        raise InvalidArgumentError(None, None, f"A position before the start: {numbers}")
    return {**numbers, "seeds": seeds}


def shared_iterator(resources: Any, name: str) -> SharedIterator:
    """The iterator called `name` in a session's store, made at first use."""
    return resources.object(STORE, name, lambda: SharedIterator(name))  # type: ignore[no-any-return]


@op("PythonDataset", "inputs: Tinputs", "handle: variant", shape=scalar_shape, stateful=True, touches_files=True,
    lists=("Tinputs",))  # fmt: skip
def python_dataset_op(inputs: Any, *, token: str, name: str | None = None) -> Tensor:
    """The dataset that `token` names, with the values of the tensors that it depends on."""


@python_dataset_op.state
def python_dataset_state(context: Any, inputs: Sequence[Any], *, token: str) -> Any:
    return _source_of(context, token).bind([_owned(x) for x in inputs])


def _owned(value: Any) -> Any:
    # The memory of an input is used again once the step goes on.
    return value.copy() if isinstance(value, np.ndarray) else value


@op("OneShotIterator", "inputs: Tinputs", "handle: resource", shape=scalar_shape, stateful=True, touches_files=True,
    lists=("Tinputs",))  # fmt: skip
def one_shot_iterator_op(inputs: Any, *, token: str, name: str | None = None) -> Tensor:
    """A session's iterator over the dataset that `token` names; it starts at its first use and never again."""


@one_shot_iterator_op.state
def one_shot_iterator_state(context: Any, inputs: Sequence[Any], *, token: str) -> Any:
    shared = shared_iterator(context.resources, context.name)
    if not shared.started:
        shared.start(_source_of(context, token).bind([_owned(x) for x in inputs]), context.runtime)
    return shared


@op("IteratorV2", "", "handle: resource", shape=scalar_shape, stateful=True)
def iterator_op(
    *,
    shared_name: str = "",
    container: str = "",
    output_types: list[DType],
    output_shapes: list[TensorShape],
    name: str | None = None,
) -> Tensor:
    """A session's iterator, which MakeIterator starts."""


@iterator_op.state
def iterator_state(context: Any, *, shared_name: str, container: str, output_types: Any, output_shapes: Any) -> Any:
    return shared_iterator(context.resources, shared_name or context.name)


@op("MakeIterator", "dataset: variant, iterator: resource", shape=no_outputs, stateful=True)
def make_iterator_op(dataset: Any, iterator: Any, *, name: str | None = None) -> Operation:
    """Starts an iterator at the beginning of a dataset."""


@make_iterator_op.state
def make_iterator_state(context: Any, dataset: Startable, iterator: SharedIterator) -> None:
    iterator.start(dataset, context.runtime)


@op("DatasetCardinality", "input_dataset: variant", "cardinality: int64", shape=scalar_shape, stateful=True)
def dataset_cardinality_op(input_dataset: Any, *, name: str | None = None) -> Tensor:
    """How many elements a dataset has: -1 for no end, -2 where only the elements tell."""


@dataset_cardinality_op.state
def dataset_cardinality_state(context: Any, input_dataset: Startable) -> Any:
    return np.int64(input_dataset.cardinality(context.runtime))


@op("IteratorToStringHandle", "resource_handle: resource", "string_handle: string", shape=scalar_shape, stateful=True)
def iterator_to_string_handle_op(resource_handle: Any, *, name: str | None = None) -> Tensor:
    """A string that names the iterator within its session."""


@iterator_to_string_handle_op.state
def iterator_to_string_handle_state(context: Any, iterator: SharedIterator) -> Any:
    return np.array(iterator.name.encode(), object)


@op("IteratorState", "resource_handle: resource", "serialized: string", shape=scalar_shape, stateful=True)
def iterator_state_op(resource_handle: Any, *, name: str | None = None) -> Tensor:
    """Where an iterator is, as JSON: what checkpoints of input pipelines hold."""


@iterator_state_op.state
def iterator_state_state(context: Any, iterator: SharedIterator) -> Any:
    return np.array(json.dumps(iterator.get_state()).encode(), object)


@op("RestoreIteratorState", "resource_handle: resource, serialized: string", shape=no_outputs, stateful=True)
def restore_iterator_state_op(resource_handle: Any, serialized: Any, *, name: str | None = None) -> Operation:
    """Makes an iterator go on where IteratorState was asked; InvalidArgumentError if that is no state."""


@restore_iterator_state_op.state
def restore_iterator_state_state(context: Any, iterator: SharedIterator, serialized: Any) -> None:
    text = serialized.item() if isinstance(serialized, np.ndarray) else serialized
    try:
        state = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise InvalidArgumentError(None, None, f"No state of an iterator: {text!r:.200}") from None
    iterator.set_state(state)


@op("IteratorFromStringHandleV2", "string_handle: string", "resource_handle: resource", shape=scalar_shape,
    stateful=True)  # fmt: skip
def iterator_from_string_handle_op(
    string_handle: Any, *, output_types: list[DType], output_shapes: list[TensorShape], name: str | None = None
) -> Tensor:
    """The iterator of the session that a string names; NotFoundError if there is none."""


@iterator_from_string_handle_op.state
def iterator_from_string_handle_state(context: Any, handle: Any, *, output_types: Any, output_shapes: Any) -> Any:
    name = handle.item().decode("utf-8", "replace")
    found = context.resources.objects.get((STORE, name))
    if found is None:
        raise NotFoundError(None, None, f"There is no iterator {name!r} in this session")
    return found


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
    values = list(iterator.next())
    if len(values) != len(output_types):
        raise InvalidArgumentError(
            None, None, f"The iterator gives {len(values)} components where {len(output_types)} are expected"
        )
    for i, (value, dtype, shape) in enumerate(zip(values, output_types, output_shapes, strict=True)):
        if isinstance(value, np.ndarray):
            _check_component(i, value, dtype, shape)
    return values


def _check_component(index: int, value: np.ndarray[Any, Any], dtype: DType, shape: TensorShape) -> None:
    sizes = shape.sizes
    fits = sizes is None or (
        len(sizes) == value.ndim and all(s is None or s == n for s, n in zip(sizes, value.shape, strict=True))
    )
    if value.dtype != dtype.numpy or not fits:
        raise InvalidArgumentError(
            None, None, f"Component {index} of the element is {value.dtype} of shape {value.shape}, expected "
            f"{dtype.name} of shape {shape}",
        )  # fmt: skip


@op("ReduceDataset", "input_dataset: variant, initial_state: Tstate, other_arguments: Targuments",
    "components: output_types", stateful=True, blocking=True, lists=("Tstate", "Targuments"))  # fmt: skip
def reduce_dataset_op(
    input_dataset: Any,
    initial_state: Any,
    other_arguments: Any,
    *,
    token: str,
    output_types: list[DType],
    output_shapes: list[TensorShape],
    name: str | None = None,
) -> list[Tensor]:
    """What the reduction that `token` names makes of all elements of a dataset."""
    raise NotImplementedError


reduce_dataset_op.shape(iterator_get_next_shape)


@reduce_dataset_op.state
def reduce_dataset_state(
    context: Any, dataset: Startable, state: Any, others: Any, *, token: str, output_types: Any, output_shapes: Any
) -> Any:
    return _source_of(context, token).combined(context.runtime, dataset, state, others)


@iterator_get_next_op.samples
@one_shot_iterator_op.samples
def iterator_samples(rng: np.random.Generator) -> list[Sample]:
    # An iterator needs a source that lives in the process: tests of datasets cover it.
    return []
