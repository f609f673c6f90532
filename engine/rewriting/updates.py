"""Pass: one update for a whole model. Optimizer steps of one type on different variables become one node."""

from __future__ import annotations

from ..registry import definition_of
from .dataflow import Dataflow, Node, Value, predecessors
from .lower import schedule

_PREFIXES = ("Apply", "ResourceApply")


def merge_updates(flow: Dataflow) -> None:
    """Merges Apply* nodes of equal type and attributes that do not depend on each other into `_MultiUpdate` nodes."""
    groups: dict[tuple[object, ...], list[Node]] = {}
    users = flow.users()
    for node in flow.nodes:
        # An output that is read pins the update to its place.
        if node.type.startswith(_PREFIXES) and not any(users.get(v) for v in node.outputs):
            groups.setdefault((node.type, node.device, node.attrs.get("use_nesterov")), []).append(node)
    for nodes in groups.values():
        members = independent(flow, nodes)
        if len(members) > 1:
            put_in_place(flow, members, merge_nodes("_MultiUpdate", members))


def put_in_place(flow: Dataflow, members: list[Node], merged: Node) -> None:
    """Puts `merged` where the members were."""
    # At once, for the next group must see what waits for what.
    replaced: dict[Node, Node | None] = dict.fromkeys(members, merged)
    flow.nodes = [n for n in flow.nodes if n not in replaced] + [merged]
    flow.targets = list(dict.fromkeys(replaced.get(n) or n for n in flow.targets))
    flow.redirect_control(replaced)
    flow.nodes = schedule(flow.nodes)


def independent(flow: Dataflow, nodes: list[Node]) -> list[Node]:
    """Those of the nodes that do not wait for each other, write different variables and are not fetched."""
    members = set(nodes)
    fetched = {v.node for v in flow.fetches}
    dependent: set[Node] = set()
    for node in flow.nodes:
        if any(p in members or p in dependent for p in predecessors(node)):
            dependent.add(node)
    keys: set[str] = set()
    chosen = []
    for node in nodes:
        # Two updates of one variable keep their order by staying apart.
        if node not in dependent and node not in fetched and not keys & node.writes:
            chosen.append(node)
            keys |= node.writes
    return chosen


def merge_nodes(op_type: str, nodes: list[Node]) -> Node:
    """One node that does what all do, its `parts` being their definitions, attributes, numbers of inputs, and names."""
    inputs: list[Value] = [v for n in nodes for v in n.inputs]
    parts = [(n.definition, n.attrs, len(n.inputs), n.name) for n in nodes]
    merged = Node(
        definition_of(op_type), nodes[-1].name, {"parts": parts}, inputs, [], nodes[-1].order, nodes[-1].origin
    )
    merged.control = list(dict.fromkeys(c for n in nodes for c in n.control if c not in nodes))
    merged.reads = frozenset().union(*(n.reads for n in nodes))
    merged.writes = frozenset().union(*(n.writes for n in nodes))
    merged.take_in(*nodes)
    return merged
