"""Pass: rows that are looked up once each and then spread out keep a static shape.

`Gather(Gather(table, y), idx)` with `y, idx = Unique(indices)` is `Gather(table, indices)`. Its gradient adds up equal rows,
`UnsortedSegmentSum(values, idx, number)` at `y`; an optimizer adds up those of `y` again, which are unique already: one sum
is left, and the passes after this one know how to do without its shape.
"""

from __future__ import annotations

from ..registry import definition_of
from .dataflow import Dataflow, Node, Value
from .lower import schedule

_GATHERS = ("GatherV2", "ResourceGather")


def look_up_directly(flow: Dataflow) -> None:
    """Takes the unique indices out of lookups and of sums of their gradients."""
    if not any(node.type == "Unique" for node in flow.nodes):
        return
    replaced: dict[Value, Value] = {}
    direct: dict[Node, Node] = {}
    numbers: list[Node] = []
    for node in flow.nodes:
        if node.type == "GatherV2" and (new := _direct(node)) is not None:
            direct[node] = new
            replaced[node.outputs[0]] = new.outputs[0]
        elif node.type == "UnsortedSegmentSum" and (number := _number_of_unique(node)) is not None:
            numbers.append(number)
        elif node.type == "UnsortedSegmentSum":
            replaced.update(_summed_once(node))
        elif node.type == "Reshape" and _is_as_it_was(node):
            replaced[node.outputs[0]] = node.inputs[0]
    if replaced or numbers:
        flow.nodes += [*direct.values(), *numbers]
        flow.replace(replaced)
        _wait_for(flow, direct)
        flow.nodes = schedule(flow.nodes)
        flow.prune()


def _wait_for(flow: Dataflow, direct: dict[Node, Node]) -> None:
    """What waited for a lookup to have read its table, such as an update of it, waits for the new one."""
    # The shapes of what is not looked up any more are not used either.
    flow.prune()
    inner: dict[Node, list[Node]] = {}
    for node, new in direct.items():
        inner.setdefault(node.inputs[0].node, []).append(new)
    users, fetched = flow.users(), {v.node for v in flow.fetches} | set(flow.targets)
    for node in flow.nodes:
        if not inner.keys().isdisjoint(node.control):
            node.control = list(dict.fromkeys([*node.control, *(m for n in node.control for m in inner.get(n, ()))]))
    unused = {n for n in inner if n not in fetched and not any(users.get(v) for v in n.outputs)}
    flow.redirect_control({**direct, **dict.fromkeys(unused, None)})
    flow.targets = [direct.get(n, n) for n in flow.targets]


def _whole(value: Value) -> Value:
    """The value before it was given its own shape, or that of a vector."""
    while value.node.type in ("Reshape", "Identity"):
        value = value.node.inputs[0]
    return value


def _unique_of(value: Value, index: int) -> Node | None:
    """The Unique node with static indices whose output `index` this is."""
    found = _whole(value)
    sizes = found.node.inputs[0].sizes if found.node.type == "Unique" else None
    return found.node if found.index == index and sizes is not None and None not in sizes else None


def _is_of_rows(node: Node) -> bool:
    if node.type not in _GATHERS or node.attrs.get("batch_dims"):
        return False
    axis = node.inputs[2].node.constant if len(node.inputs) > 2 else None
    return len(node.inputs) == 2 or (axis is not None and axis.size == 1 and not axis.any())


def _is_looked_up(lookup: Node, unique: Node) -> bool:
    """Whether the unique indices are looked up, as the vector that they are."""
    sizes = lookup.inputs[1].sizes
    return sizes is not None and len(sizes) == 1 and _unique_of(lookup.inputs[1], 0) is unique


def _direct(node: Node) -> Node | None:
    """A lookup of all indices at once, for one of places among unique ones."""
    inner, unique = node.inputs[0].node, _unique_of(node.inputs[1], 1)
    if unique is None or not _is_of_rows(node) or not _is_of_rows(inner) or node.inputs[1].sizes is None:
        return None
    raw = unique.inputs[0]
    if len(node.inputs[1].sizes) != 1 or not _is_looked_up(inner, unique):
        return None
    inputs = [inner.inputs[0], raw, *inner.inputs[2:]]
    outputs = [(v.dtype, v.sizes) for v in node.outputs]
    new = Node(inner.definition, node.name, dict(inner.attrs), inputs, outputs, inner.order, inner.origin)
    new.control = list(dict.fromkeys([*inner.control, *node.control]))
    new.reads, new.writes = inner.reads, inner.writes
    new.take_in(node)
    return new


def _number_of_unique(total: Node) -> Node | None:
    """The number of unique indices, for a sum by them whose number of rows is that of what was looked up; it uses it."""
    unique, rows = _unique_of(total.inputs[1], 1), _sized(total.inputs[2])
    if unique is None or rows is None or not _is_of_rows(rows.node) or not _is_looked_up(rows.node, unique):
        return None
    number = total.inputs[2]
    size = Node(
        definition_of("Size"), f"{total.name}/rows", {"out_type": number.dtype}, [unique.outputs[0]], [(number.dtype, ())],
        total.order, total.origin,
    )  # fmt: skip
    total.inputs[2] = size.outputs[0]
    return size


def _sized(number: Value) -> Value | None:
    """What has `number` rows: the number is the first of its shape."""
    node = number.node
    while node.type in ("Reshape", "Squeeze", "Identity"):
        node = node.inputs[0].node
    if node.type != "StridedSlice" or any(v.node.constant is None for v in node.inputs[1:]):
        return None
    begin, end = (v.node.constant for v in node.inputs[1:3])
    shape = node.inputs[0].node
    is_first = begin is not None and end is not None and begin.tolist() == [0] and end.tolist() == [1]
    return shape.inputs[0] if is_first and shape.type == "Shape" else None


def _is_as_it_was(node: Node) -> bool:
    """Whether a reshaped vector is a vector again, or sums by unique index have their shape again."""
    before, after = node.inputs[0].sizes, node.outputs[0].sizes
    if before is None or after is None or len(before) != len(after) or None in before[1:]:
        return False
    return before[1:] == after[1:] and bool(after) and 0 not in after[1:] and _asks_for_its_rows(node)


def _asks_for_its_rows(reshaped: Node) -> bool:
    """Whether the first size that is asked for is any, or the one that is there: others have to fail."""
    value, first = reshaped.inputs[0], reshaped.inputs[1].node
    first = first.inputs[0].node if first.type == "ConcatV2" else first
    while first.type == "Reshape":
        first = first.inputs[0].node
    if first.constant is not None:
        return first.constant.size > 0 and first.constant.flat[0] in (-1, value.sizes and value.sizes[0])
    total = _whole(value).node
    number = total.inputs[2].node if total.type == "UnsortedSegmentSum" else None
    if number is None or number.type != "Size" or first.type != "Size":
        return False
    unique = _unique_of(first.inputs[0], 0)
    return unique is not None and _unique_of(number.inputs[0], 0) is unique


def _summed_once(again: Node) -> dict[Value, Value]:
    """What stands for a sum of sums by unique index, and for its indices."""
    second = again.inputs[1].node
    first = _unique_of(second.inputs[0], 0) if second.type == "Unique" and again.inputs[1].index == 1 else None
    total = _whole(again.inputs[0]).node
    if first is None or total.type != "UnsortedSegmentSum" or _unique_of(total.inputs[1], 1) is not first:
        return {}
    values, rank = total.inputs[0], again.inputs[0].sizes
    if values.sizes is None or rank is None or rank[1:] != values.sizes[1:]:
        return {}
    # The number of rows is that of the unique indices: otherwise there would be no second sum of them.
    total.inputs[2] = again.inputs[2]
    return {again.outputs[0]: total.outputs[0], second.outputs[0]: first.outputs[0]}
