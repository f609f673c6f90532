"""Pass: updates of rows in one node whose shapes are static.

Optimizers add up the gradients of equal rows first: `SparseApply*(var, slots, UnsortedSegmentSum(values, idx, size of y), y)`
with `y, idx = Unique(indices)`. The number of distinct rows is known only when the step runs; `_SparseUpdate` takes
`values` and `indices` instead and adds up itself. The updates of one type on different variables become one node.
"""

from __future__ import annotations

from ..resources import kept_by_rows
from .dataflow import Dataflow, Node, Value
from .updates import independent, merge_nodes, put_in_place

_PREFIXES = ("SparseApply", "ResourceSparseApply")
# Views of the vector of one size.
_PICKS = ("StridedSlice", "Reshape", "Squeeze", "GatherV2", "Identity")


def merge_sparse_updates(flow: Dataflow) -> None:
    """Turns sums by row and the updates behind them into `_SparseUpdate` nodes."""
    groups: dict[tuple[object, ...], list[Node]] = {}
    users = flow.users()
    for node in flow.nodes:
        if node.type.startswith(_PREFIXES) and not any(users.get(v) for v in node.outputs) and _summed(node):
            flags = (node.attrs.get("use_nesterov"), node.attrs.get("update_slots"), node.inputs[0].dtype)
            groups.setdefault((node.type, node.device, *flags), []).append(node)
    for nodes in groups.values():
        members = independent(flow, nodes)
        if members:
            for node in members:
                _take_raw(node)
            put_in_place(flow, members, merge_nodes("_SparseUpdate", members))
    if groups:
        flow.prune()


def _places(node: Node) -> tuple[int, int]:
    names = [a.name for a in node.definition.inputs]
    return names.index("grad"), names.index("indices")


def _summed(node: Node) -> bool:
    gradient, indices = (node.inputs[i] for i in _places(node))
    total = gradient.node
    if total.type != "UnsortedSegmentSum" or not is_sum_of_equal_rows(total):
        return False
    return indices is total.inputs[1].node.outputs[0] and all(_static_variable(v) for v in node.inputs)


def is_sum_of_equal_rows(total: Node) -> bool:
    """Whether a sum by segment adds up rows of equal index, their number being static and that of the sums not."""
    values, places, number = total.inputs
    unique = places.node
    if unique.type != "Unique" or places.index != 1 or not _is_size_of(number, unique.outputs[0]):
        return False
    raw = unique.inputs[0]
    # Indices are vectors; a row of values belongs to each.
    return _static(values) and _static(raw) and values.sizes is not None and values.sizes[:1] == raw.sizes


def _is_size_of(number: Value, vector: Value) -> bool:
    node = number.node
    while node.type in _PICKS:
        node = node.inputs[0].node
    return node.type in ("Shape", "Size") and node.inputs[0] is vector


def _static(value: Value) -> bool:
    return value.sizes is not None and None not in value.sizes


def _static_variable(value: Value) -> bool:
    ref = value.variable
    if ref is None:
        return True
    return ref.sizes is not None and None not in ref.sizes and not kept_by_rows(ref.dtype, ref.sizes)


def _take_raw(node: Node) -> None:
    gradient, indices = _places(node)
    node.inputs[gradient] = node.inputs[gradient].node.inputs[0]
    node.inputs[indices] = node.inputs[indices].node.inputs[0]
