"""Functions of elements: traced once into a graph, and run by a compiled step wherever a dataset calls them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.conversion import convert_to_tensor
from ..engine.errors import InvalidArgumentError, OutOfRangeError
from ..engine.function import FunctionGraph, functions_of
from ..engine.graph import Tensor, get_default_graph
from ..engine.nest import flatten, pack_sequence_as
from ..engine.ops.cond import own_value
from ..engine.registry import find_definition
from ..engine.rewriting.lower import handle_of
from ..engine.tensor_types import SparseTensor, SparseTensorValue
from .plan import Plan
from .running import Chance, Element, Elements, Run
from .structure import DatasetSpec, SparseTensorSpec, TensorSpec, flat_parts, leaves_of, pack_element


class Inner:
    """A dataset that a function has made: its plan, and the values that it depends on."""

    def __init__(self, dataset: Plan, values: Sequence[Any]) -> None:
        self.dataset, self.values = dataset, values

    def begin(self, run: Run) -> Elements:
        """An iteration over its elements."""
        return self.dataset.begin(run.inner(dict(zip(self.dataset.tensors, self.values, strict=True))))


class Function:
    """A traced function of elements.

    Args:
        function: takes the components of an element (a tuple is unpacked) and returns a structure of tensors, sparse
            tensors or datasets.
        spec: of the elements it is called on; several for a function of several elements.
        name: of the dataset method, for name scopes and messages.
        unpack: whether a tuple becomes several arguments.
    """

    def __init__(self, function: Callable[..., Any], specs: Sequence[Any], name: str, unpack: bool = True) -> None:
        outer = get_default_graph()
        self.name = name
        with outer.name_scope(name):
            self.graph = FunctionGraph(name, outer)
        self.counts = [len(flat_parts(spec)) for spec in specs]
        parts = [part for spec in specs for part in flat_parts(spec)]
        inputs = [self.graph.add_input(dtype, sizes) for dtype, sizes in parts]
        with self.graph.as_default():
            arguments = self._arguments(specs, inputs, unpack)
            result = function(*arguments)
            # A list is more likely several results, as of py_func, than one to be stacked.
            self.structure, leaves = leaves_of(tuple(result) if isinstance(result, list) else result)
            self.makers = [_maker(leaf, name) for leaf in leaves]
        self.graph.outputs = [t for maker in self.makers for t in maker.tensors]
        # Tensors of the graph around that a call needs the values of.
        self.captures = self.graph.captures
        self.leaf_specs = [maker.spec for maker in self.makers]
        self.spec = pack_sequence_as(self.structure, self.leaf_specs)
        self.chances = [chance for maker in self.makers for chance in maker.chances]
        self.pure = not any(_is_stateful(op) for op in self.graph.get_operations())

    def _arguments(self, specs: Sequence[Any], inputs: Sequence[Tensor], unpack: bool) -> list[Any]:
        arguments, start = [], 0
        for spec, count in zip(specs, self.counts, strict=True):
            arguments.append(pack_element(spec, inputs[start : start + count]))
            start += count
        if unpack and len(specs) == 1 and type(arguments[0]) is tuple:
            return list(arguments[0])
        return arguments

    def bound(self, run: Run, *specs: Any) -> Callable[[Element], Element]:
        """The function of elements of `specs` within a run."""
        leaves = [leaf for spec in specs for leaf in flatten(spec)]
        captured = [run.value(t) for t in self.captures]

        def call(element: Element) -> Element:
            values = [v for leaf, value in zip(leaves, element, strict=True) for v in leaf.values_of(value)]
            return self._results(self._run(run, [*values, *captured]))

        return call

    def _run(self, run: Run, values: Sequence[Any]) -> list[Any]:
        try:
            return run.runtime.call(self.graph, values)
        except OutOfRangeError as error:
            # The end of the data is said by the dataset alone.
            raise InvalidArgumentError(
                error.node_def, error.op, f"Function invocation produced OutOfRangeError: {error.message}"
            ) from error

    def _results(self, found: Sequence[Any]) -> list[Any]:
        results, start = [], 0
        for maker in self.makers:
            stop = start + len(maker.tensors)
            results.append(maker.value(found[start:stop]))
            start = stop
        return results

    def single(self, kind: str) -> TensorSpec:
        """The spec of the one component of the result; TypeError if there are several."""
        if self.structure != 0:
            raise TypeError(f"The function given to {self.name} must return one {kind}, got {self.spec}")
        return self.leaf_specs[0]


def computed(predicate: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A predicate that tells of a Python bool, which is the same for all elements: `==` compares tensors by identity.

    Raises:
        ValueError: the predicate gave False, which no element passes. For True there is a warning.
    """

    def checked(*args: Any) -> Any:
        found = predicate(*args)
        if isinstance(found, bool | np.bool_):
            text = (
                f"The predicate given to Dataset.{name}() gave Python's {bool(found)} for all elements, no tensor: == and "
                "!= between tensors compare the objects, so write tf.equal(a, b) or tf.not_equal(a, b)"
            )
            if not found:
                raise ValueError(text)
            warnings.warn(text, stacklevel=2)
        return found

    return checked


class _Maker:
    """How one component of a result comes from output tensors."""

    def __init__(self, spec: TensorSpec, tensors: Sequence[Tensor]) -> None:
        self.spec, self.tensors = spec, list(tensors)
        self.chances: list[Chance] = []

    def value(self, values: Sequence[Any]) -> Any:
        return self.spec.value_from(values)


class _DatasetMaker(_Maker):
    def __init__(self, dataset: Plan) -> None:
        self.dataset = dataset
        self.needed = [t for t in dataset.tensors if handle_of(t.op) is None]
        super().__init__(DatasetSpec(dataset.element_spec), [own_value(t) for t in self.needed])
        self.chances = dataset.chances

    def value(self, values: Sequence[Any]) -> Any:
        given = dict(zip(self.needed, map(as_value, values), strict=True))
        return Inner(self.dataset, [given.get(t) for t in self.dataset.tensors])


def as_value(value: Any) -> Any:
    """A fetched value as kernels take it: scalars as arrays."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    return np.array(value, object) if isinstance(value, bytes) else value


def _maker(leaf: Any, name: str) -> _Maker:
    if isinstance(leaf, Plan):
        return _DatasetMaker(leaf)
    if isinstance(leaf, SparseTensor | SparseTensorValue):
        parts = [own_value(t) for t in SparseTensor.from_value(leaf)]
        return _Maker(SparseTensorSpec(SparseTensor.from_value(leaf).shape, parts[1].dtype), parts)
    if leaf is None:
        raise TypeError(f"Unsupported return value from function passed to Dataset.{name}(): None.")
    tensor = own_value(convert_to_tensor(leaf))
    return _Maker(TensorSpec(tensor.shape, tensor.dtype), [tensor])


def _is_stateful(op: Any) -> bool:
    definition = find_definition(op.type)
    inner = any(_is_stateful(part) for graph in functions_of(op) for part in graph.get_operations())
    return inner or (op.type != "Placeholder" and (definition is None or definition.stateful))
