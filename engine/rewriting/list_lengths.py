"""How many items a list of tensors has, where that is known before the step runs: what is stacked then has a known shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..function import FunctionGraph
from ..graph import Tensor
from ..registry import definition_of
from .dataflow import Node, Value

# What gives a list of the length of one that it takes, and which input that is.
_KEEPING = frozenset({"TensorListSetItem", "_TensorListUnsetItem", "_TensorListZeros", "_TensorListAdd", "Identity"})


def note_length(node: Node) -> None:
    """Gives a stack of items of unknown number the number, if the list's length is known.

    What takes or gives all items one by one, by their indices, becomes what takes or gives all.
    """
    if node.type == "TensorListScatterIntoExistingList" and _scatters_all(node):
        shape = node.inputs[0].node.inputs[0]
        node.definition, node.inputs, node.attrs = definition_of("TensorListFromTensor"), [node.inputs[1], shape], {}
    if node.type == "TensorListGather" and _is_all(node.inputs[1], list_length(node.inputs[0])):
        node.definition, node.inputs = definition_of("TensorListStack"), [node.inputs[0], node.inputs[2]]
        node.attrs = {"element_dtype": node.attrs["element_dtype"], "num_elements": -1}
    if node.type == "TensorListStack" and node.attrs["num_elements"] < 0:
        length = list_length(node.inputs[0])
        if length is not None:
            node.attrs = {**node.attrs, "num_elements": length}


def _scatters_all(node: Node) -> bool:
    """Whether a fresh list gets all its items."""
    handle, tensor, indices = node.inputs
    length = list_length(handle) if handle.node.type == "TensorListReserve" else None
    return bool(tensor.sizes) and tensor.sizes[0] == length and _is_all(indices, length)  # type: ignore[index]


def _is_all(indices: Value, length: int | None) -> bool:
    array = indices.node.constant
    return array is not None and length is not None and np.array_equal(array, np.arange(length))


def list_length(value: Value) -> int | None:
    """The number of items of a list; None if only the run knows it."""
    while True:
        node = value.node
        if node.type == "TensorListReserve":
            count = node.inputs[1].node.constant
            return None if count is None else int(count)
        if node.type == "TensorListFromTensor":
            sizes = node.inputs[0].sizes
            return sizes[0] if sizes else None
        place = _kept_from(node.type, node.attrs, value.index)
        if place is None:
            return None
        value = node.inputs[place]


def _kept_from(kind: str, attrs: dict[str, Any], output: int) -> int | None:
    """The input whose length an output has."""
    if kind in _KEEPING:
        return None if attrs.get("resize_if_index_out_of_bounds") else 0
    if kind == "While":
        return output if _source(attrs["body"], output) == output else None
    if kind == "If":
        found = {_source(attrs[branch], output) for branch in ("then_branch", "else_branch")}
        place = found.pop() if len(found) == 1 else None
        return None if place is None else place + 1
    return None


def _source(graph: FunctionGraph, output: int) -> int | None:
    """The input of a function whose length an output has."""
    tensor: Tensor = graph.outputs[output]
    while tensor not in graph.inputs:
        place = _kept_from(tensor.op.type, tensor.op.attrs, tensor.op.outputs.index(tensor))
        if place is None:
            return None
        tensor = tensor.op.inputs[place]
    return graph.inputs.index(tensor)
