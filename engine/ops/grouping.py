"""Operations that stand for several: `group` runs them all, `with_dependencies` gives a value after them."""

from __future__ import annotations

from typing import Any

from ..graph import Operation, Tensor, get_default_graph
from .array import identity


def group_operations(inputs: list[Any], name: str | None = None) -> Operation:
    """An operation that does nothing and runs after `inputs` (operations, tensors or variables).

    As in TensorFlow, inputs on several devices are first grouped on each.
    """
    graph = get_default_graph()
    by_device: dict[str, list[Any]] = {}
    for item in inputs:
        element = graph.as_graph_element(getattr(item, "values", item) if hasattr(item, "dense_shape") else item)
        by_device.setdefault(element.device, []).append(element)
    with graph.name_scope(name or "group_deps") as scope:
        if len(by_device) > 1:
            parts = [_no_op(members, device, None) for device, members in sorted(by_device.items())]
            return _no_op(parts, None, scope)
        device, members = next(iter(by_device.items()), (None, []))
        return _no_op(members, device, scope)


def _no_op(after: list[Any], device: str | None, name: str | None) -> Operation:
    graph = get_default_graph()
    with graph.control_dependencies(after):
        if not device:
            return graph.create_op("NoOp", [], name)
        with graph.device(device):
            return graph.create_op("NoOp", [], name)


def value_after(dependencies: list[Any], value: Any, name: str | None = None) -> Tensor:
    """The tensor `value`, once `dependencies` have run."""
    with get_default_graph().control_dependencies(dependencies):
        return identity(value, name=name)
