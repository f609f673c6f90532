"""Pass: common subexpressions. Equal pure nodes on equal inputs become one; stateful and random nodes never do."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dataflow import Dataflow, Node, Value

_LARGEST_CONSTANT = 1024


def merge(flow: Dataflow) -> None:
    """Replaces each node by the first equal one."""
    seen: dict[Any, Node] = {}
    replaced: dict[Value, Value] = {}
    gone: dict[Node, Node | None] = {}
    nodes: list[Node] = []
    fed = {v.node for v in flow.feeds.values()}
    for node in flow.nodes:
        node.inputs = [replaced.get(v, v) for v in node.inputs]
        key = None if node in fed else _key(node)
        first = seen.setdefault(key, node) if key is not None else node
        if first is node:
            nodes.append(node)
            continue
        replaced.update(zip(node.outputs, first.outputs, strict=True))
        gone[node] = first
    flow.nodes = nodes
    flow.replace(replaced)
    flow.targets = [gone.get(n) or n for n in flow.targets]
    flow.redirect_control(gone)


def _key(node: Node) -> Any:
    if not node.pure or not node.outputs or node.outputs[0].variable is not None or _makes_list(node):
        return None
    attrs = tuple((k, _attr_key(v)) for k, v in sorted(node.attrs.items()) if not k.startswith("_"))
    if any(v is None for _, v in attrs):
        return None
    return (node.type, node.device, tuple(map(id, node.inputs)), frozenset(map(id, node.control)), attrs)


def _makes_list(node: Node) -> bool:
    """Whether the node begins a list of tensors, which knows what was read of it, and so belongs to one TensorArray."""
    lists = [v for v in (*node.inputs, *node.outputs) if v.dtype.name == "variant"]
    return "TensorList" in node.type and lists == node.outputs


def _attr_key(value: Any) -> Any:
    """Something hashable that tells attributes apart, or None where equality is too dear to tell."""
    if isinstance(value, np.ndarray):
        if value.dtype == object or value.size > _LARGEST_CONSTANT:
            return None
        return (value.dtype.str, str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, list):
        keys = [_attr_key(v) for v in value]
        return None if None in keys else ("list", *keys)
    try:
        hash(value)
    except TypeError:
        return None
    # 1, 1.0 and True are equal to Python but not as attributes; None must not read as 'no key'.
    return (type(value).__name__, value)
