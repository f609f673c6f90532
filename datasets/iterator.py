"""Iterators: one-shot, initializable, reinitializable and feedable, as TensorFlow 1.15's tf.data.Iterator."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import string
from ..engine.graph import Graph, Operation, Tensor, get_default_graph
from ..engine.nest import map_structure
from ..engine.ops.iterators import (
    iterator_from_string_handle_op,
    iterator_get_next_op,
    iterator_op,
    iterator_to_string_handle_op,
    keep_source,
    make_iterator_op,
    one_shot_iterator_op,
    shared_iterator,
)
from ..engine.shapes import TensorShape
from .plan import Plan
from .structure import compatible, flat_parts, pack_element, specs_of

# The collection of the iterators that a graph has.
GLOBAL_ITERATORS = "iterators"


class Iterator:
    """A place in a dataset, kept by each session for itself; made by a dataset or by the static methods here."""

    def __init__(
        self, iterator_resource: Tensor, initializer: Operation | None, element_spec: Any, initializable: bool = True
    ) -> None:
        self._iterator_resource = iterator_resource
        if iterator_resource.op.type in ("OneShotIterator", "IteratorV2"):
            iterator_resource.graph.add_to_collection(GLOBAL_ITERATORS, iterator_resource)
        self._initializer = initializer
        self._initializable = initializable
        self.element_spec = element_spec

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> Iterator:
        """An iterator for any dataset of such elements; operations of `make_initializer` start it.

        Args:
            output_types: a structure of dtypes.
            output_shapes: a structure of shapes, unknown ones by default.
            shared_name: its name in the session, where iterators of several graphs are to be one.
            output_classes: a structure of tf.Tensor and tf.SparseTensor, tensors by default.
        """
        spec = specs_of(output_types, output_shapes, output_classes)
        resource = iterator_op(shared_name=shared_name or "", **_signature(spec), name="IteratorV2")
        return Iterator(resource, None, spec)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator that a string scalar names, as `string_handle` gives it; it can be fed.

        Raises (when run):
            NotFoundError: the session has no such iterator.
            InvalidArgumentError: its elements are others.
        """
        spec = specs_of(output_types, output_shapes, output_classes)
        handle = convert_to_tensor(string_handle, string, "string_handle")
        return Iterator(iterator_from_string_handle_op(handle, **_signature(spec)), None, spec, False)

    @property
    def initializer(self) -> Operation:
        """The operation that starts the iterator; ValueError if it has none."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Plan, name: str | None = None) -> Operation:
        """An operation that starts the iterator on `dataset`.

        Raises:
            TypeError: the dataset's elements do not have the structure, dtypes and shapes of the iterator's.
        """
        if not self._initializable:
            raise ValueError("Iterator does not have an initializer.")
        if not compatible(self.element_spec, dataset.element_spec):
            raise TypeError(f"Expected elements {self.element_spec!r} but got a dataset of {dataset.element_spec!r}.")
        return make_iterator_op(dataset._variant_tensor, self._iterator_resource, name=name)

    def get_next(self, name: str | None = None) -> Any:
        """Tensors that take the next element at every run, in its structure.

        Raises (when run):
            OutOfRangeError: there are no more elements.
            FailedPreconditionError: the iterator was not initialized.
        """
        tensors = list(iterator_get_next_op(self._iterator_resource, **_signature(self.element_spec), name=name))
        return pack_element(self.element_spec, tensors)

    def string_handle(self, name: str | None = None) -> Tensor:
        """A string scalar that names the iterator in its session: what `from_string_handle` is fed with."""
        return iterator_to_string_handle_op(self._iterator_resource, name=name)

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's components, in its structure."""
        return map_structure(lambda s: s.dtype, self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """The static shapes of an element's components, in its structure."""
        return map_structure(lambda s: s.shape, self.element_spec)

    @property
    def output_classes(self) -> Any:
        """tf.Tensor or tf.SparseTensor for each of an element's components, in its structure."""
        return map_structure(lambda s: s.value_type, self.element_spec)

    def get_state(self, session: Any) -> dict[str, Any]:
        """Where `session` is in the dataset, as a dict of numbers that can be written as JSON."""
        state: dict[str, Any] = self._shared(session).get_state()
        return state

    def set_state(self, session: Any, state: dict[str, Any]) -> None:
        """Makes `session` go on where `get_state` was asked.

        It does so at once if it was started, else when it starts: at the first use of a one-shot iterator, when their
        initializer is run for others. Elements are passed over, without being made where the dataset allows it:
        arrays, range, batch, repeat, take, skip, zip, concatenate, and map of functions without state.
        """
        self._shared(session).set_state(state)

    def _shared(self, session: Any) -> Any:
        op = self._iterator_resource.op
        if op.type not in ("OneShotIterator", "IteratorV2"):
            raise ValueError("An iterator from a string handle has no state of its own")
        return shared_iterator(session.runtime.resources, op.attrs.get("shared_name") or op.name)


def _signature(spec: Any) -> dict[str, Any]:
    parts = flat_parts(spec)
    return {"output_types": [dtype for dtype, _ in parts], "output_shapes": [TensorShape.of_sizes(s) for _, s in parts]}


def one_shot_iterator(dataset: Plan) -> Iterator:
    """An iterator that each session runs through once, without initialisation."""
    fed = _placeholder_of(dataset)
    if fed is not None:
        raise ValueError(
            f"Cannot make a one-shot iterator over a dataset that depends on the placeholder {fed.name!r}: use "
            "make_initializable_iterator and feed it when the initializer is run."
        )
    token = keep_source(get_default_graph(), dataset)
    return Iterator(one_shot_iterator_op(dataset._needed, token=token), None, dataset.element_spec, False)


def _placeholder_of(dataset: Plan) -> Tensor | None:
    graph: Graph = get_default_graph()
    seen: set[Any] = set()
    stack = [t for t in dataset.tensors if t.graph is graph]
    while stack:
        tensor = stack.pop()
        if tensor.op in seen:
            continue
        seen.add(tensor.op)
        if tensor.op.type == "Placeholder":
            return tensor
        stack.extend(tensor.op.inputs)
    return None


def initializable_iterator(dataset: Plan, shared_name: str | None) -> Iterator:
    """An iterator that `initializer` starts, any number of times."""
    spec = dataset.element_spec
    resource = iterator_op(shared_name=shared_name or "", **_signature(spec), name="IteratorV2")
    return Iterator(resource, make_iterator_op(dataset._variant_tensor, resource), spec)


def make_one_shot_iterator(dataset: Plan) -> Iterator:
    """As `dataset.make_one_shot_iterator()`; tf.data.make_one_shot_iterator of TF 1.15."""
    return one_shot_iterator(dataset)


def make_initializable_iterator(dataset: Plan, shared_name: str | None = None) -> Iterator:
    """As `dataset.make_initializable_iterator()`; tf.data.make_initializable_iterator of TF 1.15."""
    return initializable_iterator(dataset, shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of the elements of a dataset or iterator, in their structure."""
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The static shapes of the elements of a dataset or iterator, in their structure."""
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """tf.Tensor or tf.SparseTensor for each component of the elements of a dataset or iterator."""
    return dataset_or_iterator.output_classes
