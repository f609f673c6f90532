"""Pass, for devices: what only handles lists of tensors, or counts, goes to the begin of a step or to its end.

Lists are handled by the host, and so are counters (see counters.py). A loop's body takes items from them and adds others here
and there: each time the device's work would be cut in two.
"""

from __future__ import annotations

from .dataflow import Dataflow, Node, predecessors

_LISTS = frozenset(
    "EmptyTensorList TensorListReserve TensorListFromTensor TensorListLength TensorListElementShape TensorListResize "
    "TensorListPushBack TensorListPopBack TensorListGetItem TensorListSetItem _TensorListUnsetItem _TensorListZeros "
    "_TensorListAdd".split()
)
# What takes no part in the order of running.
_GIVEN = frozenset({"_Feed", "Const"})


def group_lists(flow: Dataflow) -> None:
    """Moves list operations that wait for nothing else to the begin, and those that nothing else waits for to the end."""
    if not any(node.type in _LISTS or node.at_home for node in flow.nodes):
        return
    first = _first(flow)
    last = _last(flow, first)
    middle = [n for n in flow.nodes if n not in first and n not in last]
    flow.nodes = [*(n for n in flow.nodes if n in first), *middle, *(n for n in flow.nodes if n in last)]


def _is_handled(node: Node) -> bool:
    return node.at_home or node.type in _LISTS


def _first(flow: Dataflow) -> set[Node]:
    first: set[Node] = set()
    for node in flow.nodes:
        if (node.type in _GIVEN or _is_handled(node)) and all(before in first for before in predecessors(node)):
            first.add(node)
    return first


def _last(flow: Dataflow, first: set[Node]) -> set[Node]:
    needed: set[Node] = set()
    last: set[Node] = set()
    for node in reversed(flow.nodes):
        if _is_handled(node) and node not in first and node not in needed:
            last.add(node)
        else:
            needed.update(predecessors(node))
    return last
