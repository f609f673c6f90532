"""Pass: sums of equal rows keep a static shape where they are only scaled and added to variables.

Adam adds up the gradients of equal rows, `UnsortedSegmentSum(values, idx, size of y)` with `y, idx = Unique(indices)`, scales
the sums and adds them to rows `y` of its means. `_SummedRows(values, indices)` has the sum at the first place of each row
and zeros at the others: scaled, they stay zeros, and adding them to rows `indices` changes nothing.
"""

from __future__ import annotations

from ..registry import definition_of
from .dataflow import Dataflow, Node, Value
from .lower import schedule
from .sparse_updates import is_sum_of_equal_rows

_SCALING = ("Mul", "Neg", "Square")
_ADDING = ("ScatterAdd", "ScatterSub", "ResourceScatterAdd", "ResourceScatterSub")

Users = dict[Value, list[Node]]


def sum_rows_in_place(flow: Dataflow) -> None:
    """Replaces sums by row and the indices of the additions that they end in."""
    users, fetched = flow.users(), set(flow.fetches)
    added: list[Node] = []
    for node in [n for n in flow.nodes if n.type == "UnsortedSegmentSum" and is_sum_of_equal_rows(n)]:
        derived = _derived(node, users)
        if derived is None or fetched & derived:
            continue
        values, raw = node.inputs[0], node.inputs[1].node.inputs[0]
        shape = [(values.dtype, values.sizes)]
        new = Node(definition_of("_SummedRows"), node.name, {}, [values, raw], shape, node.order, node.origin)
        new.control = list(node.control)
        added.append(new)
        _use(node.outputs[0], new.outputs[0], raw, derived, users)
    if added:
        flow.nodes = schedule(flow.nodes + added)
        flow.prune()


def _derived(node: Node, users: Users) -> set[Value] | None:
    """The sums and what they are scaled to, or None where anything else is done with them."""
    rows = node.inputs[1].node.outputs[0]
    derived, stack = {node.outputs[0]}, [node.outputs[0]]
    scaled: list[Node] = []
    while stack:
        value = stack.pop()
        for user in users.get(value, ()):
            if user.type in _ADDING and user.inputs[1] is rows and user.inputs[2] is value:
                continue
            if user.type not in _SCALING:
                return None
            scaled.append(user)
            stack += [v for v in user.outputs if v not in derived]
            derived.update(user.outputs)
    scalars = all(v in derived or v.sizes == () for user in scaled for v in user.inputs)
    return derived if scalars else None


def _use(old: Value, new: Value, raw: Value, derived: set[Value], users: Users) -> None:
    for value in derived:
        value.sizes = new.sizes
        for user in users.get(value, ()):
            if user.type in _ADDING:
                user.inputs[1] = raw
            user.inputs = [new if v is old else v for v in user.inputs]
