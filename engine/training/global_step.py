"""The global step: one int64 variable a graph that counts the steps of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..dtypes import int32, int64
from ..graph import Graph, Tensor, get_default_graph
from ..initializers import zeros_initializer
from ..ops.array import identity
from ..scopes import GraphKeys
from ..variable_scope import get_variable, get_variable_scope, variable_scope
from ..variables import Variable


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of the global step in a session, as a Python int."""
    return int(sess.run(global_step_tensor))


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, or None.

    It is the one item of the collection `global_step`, or the tensor called `global_step:0`.

    Raises:
        TypeError: it is not a scalar integer variable.
    """
    graph = graph or get_default_graph().outermost()
    items = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(items) > 1:
        raise ValueError(f"Multiple items found in collection {GraphKeys.GLOBAL_STEP!r}: {items}")
    if items:
        found = items[0]
    else:
        try:
            found = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    assert_global_step(found)
    return found


def create_global_step(graph: Graph | None = None) -> Any:
    """A new global step, in the collections `global_step` and of global variables.

    Raises:
        ValueError: the graph has one already.
    """
    graph = graph or get_default_graph().outermost()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None), _outside_scopes():
        return get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=int64,
            initializer=zeros_initializer(),
            trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


@contextmanager
def _outside_scopes() -> Iterator[None]:
    # The step keeps its name wherever it is asked for first, and is never sliced.
    with variable_scope(get_variable_scope(), reuse=False, auxiliary_name_scope=False) as scope:
        scope._name = ""
        scope._reuse = False
        scope.set_partitioner(None)
        yield


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, made if there is none."""
    graph = graph or get_default_graph().outermost()
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def assert_global_step(global_step_tensor: Any) -> None:
    """Raises TypeError unless the argument can be a global step: a scalar of int32 or int64."""
    if not isinstance(global_step_tensor, Variable | Tensor):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if global_step_tensor.dtype.base_dtype not in (int32, int64):
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}')
    shape = global_step_tensor.get_shape()
    if shape.ndims != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')


def get_or_create_global_step_read(graph: Graph | None = None) -> Tensor | None:
    """A tensor with the global step at the start of a step, made once a graph; None without a global step."""
    graph = graph or get_default_graph().outermost()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP_READ_KEY)
    if found:
        result: Tensor = found[0]
        return result
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), graph.name_scope(step.op.name + "/"):
        value = step.initialized_value() if isinstance(step, Variable) else step
        read = identity(value) + 0
    graph.add_to_collection(GraphKeys.GLOBAL_STEP_READ_KEY, read)
    return read
