"""How the kernels of a node are called: grouped inputs, attributes, and results as arrays of the declared dtypes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..registry import Op
from ..rewriting.dataflow import Node
from ..rewriting.fuse import expression_of
from ..runtime import KernelContext, Runtime
from ..static import flatten_outputs
from .variables import rows_updated, update_rows

Compute = Callable[[Sequence[Any]], list[Any]]


def compute_of(node: Node, runtime: Runtime) -> Compute:
    """A function from the node's flat inputs (storages where it takes variables) to its flat outputs, which allocates."""
    definition = node.definition
    if definition.update_function is not None:
        return _update(definition, node.attrs)
    if definition.state_function is not None:
        return _stateful(node, KernelContext(node.name, node.attrs, runtime))
    if definition.kernel_function is not None:
        return _plain(node, definition.kernel_function)
    expression = expression_of(node) or definition.expression(node.inputs[-1].dtype, node.attrs)
    if expression is not None:
        dtype = node.outputs[0].dtype.numpy
        return lambda inputs: [np.asarray(expression.evaluate(*inputs), dtype)]
    raise NotImplementedError(f"{node.describe()} has no kernel")


def _plain(node: Node, function: Callable[..., Any]) -> Compute:
    definition, attrs, dtypes = (
        node.definition,
        node.definition.kernel_attrs(node.attrs),
        [v.dtype.numpy for v in node.outputs],
    )

    def compute(inputs: Sequence[Any]) -> list[Any]:
        results = function(np, *definition.group_inputs(inputs, node.attrs), **attrs)
        return as_arrays(definition, results, dtypes)

    return compute


def _stateful(node: Node, context: KernelContext) -> Compute:
    definition, attrs = node.definition, node.definition.kernel_attrs(node.attrs)
    dtypes = [v.dtype.numpy for v in node.outputs]
    function = definition.state_function
    if function is None:
        raise TypeError(f"{node.describe()} has no stateful kernel")

    def compute(inputs: Sequence[Any]) -> list[Any]:
        results = function(context, *definition.group_inputs(inputs, node.attrs), **attrs)
        return as_arrays(definition, results, dtypes) if dtypes else []

    return compute


def as_arrays(definition: Op[..., Any], results: Any, dtypes: Sequence[Any]) -> list[Any]:
    """A kernel's result as one item an output; numbers and strings as arrays, handles and lists as they are."""
    flat = flatten_outputs(definition, results)
    return [r if is_object(r, d) else np.asarray(r, d) for r, d in zip(flat, dtypes, strict=True)]


def is_object(result: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a result is a handle, a list of tensors or the like, and not an array."""
    return dtype.hasobject and not isinstance(result, np.ndarray | bytes | str | list | np.generic)


def _update(definition: Op[..., Any], attrs: dict[str, Any]) -> Compute:
    function = definition.update_function
    if function is None:
        raise TypeError(f"{definition.type} has no update")
    values = definition.kernel_attrs(attrs)
    names = [a.name for a in definition.inputs]
    updated = [names.index(n) for n in definition.updated]
    others = [i for i in range(len(names)) if i not in updated]

    def compute(inputs: Sequence[Any]) -> list[Any]:
        storages = [inputs[i] for i in updated]
        by_rows = rows_updated(definition, storages)
        if by_rows is not None:
            update_rows(function, storages, [inputs[i] for i in others], by_rows, values)
            return [None] * len(definition.outputs)
        arrays = [storage.value() for storage in storages]
        function(np, *arrays, *(inputs[i] for i in others), **values)
        return [None] * len(definition.outputs)

    return compute
