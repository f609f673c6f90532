"""The operations of a step as plain values for graph.json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..dtypes import DType
from ..function import FunctionGraph, functions_of
from ..graph import Graph, Operation, Tensor
from ..rewriting.lower import reachable_operations
from ..shapes import TensorShape

_LONGEST = 200


def described_graph(fetches: Sequence[Tensor], targets: Sequence[Operation], fed: Iterable[Tensor]) -> dict[str, Any]:
    """The operations that a step needs, with those of its branches and bodies: names, inputs, attributes, lines."""
    found: dict[Operation, None] = {}
    seen: set[Graph] = set()
    stack = [*reachable_operations(fetches, targets, set(fed)), *(t.op for t in fed)]
    while stack:
        op = stack.pop()
        if op in found:
            continue
        found[op] = None
        for function in functions_of(op):
            if function not in seen:
                seen.add(function)
                stack.extend(function.get_operations())
    return {"nodes": [_described(op) for op in sorted(found, key=_order)]}


def _order(op: Operation) -> tuple[int, str, int]:
    depth = 0
    graph: Graph | None = op.graph
    while isinstance(graph, FunctionGraph):
        depth, graph = depth + 1, graph.outer_graph
    return depth, getattr(op.graph, "name", ""), op.order


def _described(op: Operation) -> dict[str, Any]:
    return {
        "name": op.name,
        "op": op.type,
        "device": op.device,
        "inputs": [_short_name(t) for t in op.inputs] or _captured(op),
        "control": sorted(c.name for c in op.control_inputs),
        "attrs": {name: _text(value) for name, value in op.attrs.items() if value is not None},
        "outputs": [[t.dtype.base_dtype.name, None if t.sizes is None else list(t.sizes)] for t in op.outputs],
        "file": op.made_at.filename,
        "line": op.made_at.lineno,
        "function": op.made_at.function,
        "inside": op.graph.name if isinstance(op.graph, FunctionGraph) else None,
    }


def _short_name(tensor: Tensor) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def _captured(op: Operation) -> list[str]:
    """What the input of a branch or body stands for, where that is a tensor of the graph around."""
    if op.type != "Placeholder" or not isinstance(op.graph, FunctionGraph):
        return []
    return [_short_name(outer) for outer, inner in op.graph.captured.items() if inner.op is op]


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = f"{value.dtype.name} {list(value.shape)}" + (f" {value.tolist()}" if value.size <= 8 else "")
    elif isinstance(value, DType):
        text = value.name
    elif isinstance(value, FunctionGraph):
        text = f"function {value.name}"
    elif isinstance(value, TensorShape):
        text = str(value)
    elif isinstance(value, list):
        text = f"[{', '.join(map(_text, value[:20]))}{', ...' if len(value) > 20 else ''}]"
    else:
        text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
