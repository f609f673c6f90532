"""Pass: one update for a whole model. Optimizer steps of one type on different variables become one node."""

from __future__ import annotations

from ..registry import definition_of
from .dataflow import Dataflow, Node, Value, descendants
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
    replaced: dict[Node, Node | None] = {}
    for nodes in groups.values():
        members = _independent(flow, nodes)
        if len(members) > 1:
            merged = _merge(members)
            replaced.update(dict.fromkeys(members, merged))
            flow.nodes = [n for n in flow.nodes if n not in replaced] + [merged]
    if replaced:
        flow.targets = list(dict.fromkeys(replaced.get(n) or n for n in flow.targets))
        flow.redirect_control(replaced)
        flow.nodes = schedule(flow.nodes)


def _independent(flow: Dataflow, nodes: list[Node]) -> list[Node]:
    if len(nodes) < 2:
        return []
    members = set(nodes)
    fetched = {v.node for v in flow.fetches}
    dependent = {d for n in nodes for d in descendants(flow.nodes, n) if d in members}
    keys: set[str] = set()
    chosen = []
    for node in nodes:
        # Two updates of one variable keep their order by staying apart.
        if node not in dependent and node not in fetched and not keys & node.writes:
            chosen.append(node)
            keys |= node.writes
    return chosen


def _merge(nodes: list[Node]) -> Node:
    inputs: list[Value] = [v for n in nodes for v in n.inputs]
    parts = [(n.definition, n.attrs, len(n.inputs), n.name) for n in nodes]
    merged = Node(
        definition_of("_MultiUpdate"), nodes[-1].name, {"parts": parts}, inputs, [], nodes[-1].order, nodes[-1].origin
    )
    merged.control = list(dict.fromkeys(c for n in nodes for c in n.control if c not in nodes))
    merged.reads = frozenset().union(*(n.reads for n in nodes))
    merged.writes = frozenset().union(*(n.writes for n in nodes))
    return merged
