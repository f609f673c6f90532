"""The profiler's views of nodes: trees by name scope, by edge, by line of code, and lists by op type; what each shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..graph import Operation
from .nodes import Profiled, Stats
from .options import Options, matches

ROOT = "_TFProfRoot"

# Column -> the number behind it.
NUMBERS = {
    "bytes": "requested_bytes",
    "peak_bytes": "peak_bytes",
    "residual_bytes": "residual_bytes",
    "output_bytes": "output_bytes",
    "micros": "exec_micros",
    "accelerator_micros": "accelerator_exec_micros",
    "cpu_micros": "cpu_exec_micros",
    "params": "parameters",
    "float_ops": "float_ops",
    "occurrence": "run_count",
}
# Columns whose limits are for a node itself; those of the others are for its total.
_OWN = ("params", "float_ops", "occurrence")


@dataclass(eq=False)
class ViewNode:
    """A line of a view: the nodes of the graph that it stands for, their numbers, and what is below it."""

    name: str
    nodes: list[Profiled] = field(default_factory=list)
    children: list[ViewNode] = field(default_factory=list)
    stats: Stats = field(default_factory=Counter)
    total: Stats = field(default_factory=Counter)
    accounted: bool = False

    def add(self, node: Profiled) -> None:
        """Makes the line stand for one more node."""
        self.nodes.append(node)


def by_scope(nodes: Iterable[Profiled]) -> ViewNode:
    """A tree of name scopes; an operation may have others below it, as a scope has."""
    root = ViewNode(ROOT)
    known = {"": root}

    def find(path: str) -> ViewNode:
        if path not in known:
            known[path] = ViewNode(path)
            find(path.rpartition("/")[0]).children.append(known[path])
        return known[path]

    for node in nodes:
        find(node.name).add(node)
    return root


def by_edge(nodes: Iterable[Profiled]) -> ViewNode:
    """A tree of the graph: below each operation the ones whose results it takes, each operation once."""
    made = {node.operation: ViewNode(node.name, [node]) for node in nodes}
    used = {t.op for op in made for t in op.inputs}
    root, seen = ViewNode(ROOT), set[Operation]()

    def grow(parent: ViewNode, first: Operation) -> None:
        stack = [(parent, first)]
        while stack:
            above, op = stack.pop()
            if op in seen or op not in made:
                continue
            seen.add(op)
            above.children.append(made[op])
            stack += [(made[op], t.op) for t in reversed(op.inputs)]

    for op in [*(op for op in made if op not in used), *made]:
        grow(root, op)
    return root


def by_line(nodes: Iterable[Profiled]) -> ViewNode:
    """The lines of code that made operations, each with its operations."""
    return _grouped(nodes, lambda n: f"{n.operation.made_at}:{n.operation.made_at.function}")


def by_type(nodes: Iterable[Profiled]) -> ViewNode:
    """The op types, each with its operations."""
    return _grouped(nodes, lambda n: n.operation.type)


def _grouped(nodes: Iterable[Profiled], key: Callable[[Profiled], str]) -> ViewNode:
    groups: dict[str, ViewNode] = {}
    for node in nodes:
        groups.setdefault(key(node), ViewNode(key(node))).add(node)
    return ViewNode(ROOT, children=list(groups.values()))


def shown(root: ViewNode, options: Options) -> ViewNode:
    """What the options leave of a tree, with sums."""
    _account(root, options)
    root.children = _starting(root.children, options)
    return _filtered([root], options, 1)[0]


def shown_chain(root: ViewNode, options: Options) -> ViewNode:
    """What the options leave of a list, each line below the one before: a total is over a line and all after it."""
    root = shown(root, options)
    hidden = root.total.copy()
    for line in root.children:
        hidden.subtract(line.total)
    below: ViewNode | None = None
    for line in [*reversed(root.children), root]:
        line.children = [below] if below is not None else []
        line.total = line.stats + (below.total if below is not None else Counter())
        below = line
    if not options.displayed_only:
        root.total += hidden
    return root


def _starting(nodes: list[ViewNode], options: Options) -> list[ViewNode]:
    found: list[ViewNode] = []
    for node in nodes:
        found += [node] if matches(node.name, options.start) else _starting(node.children, options)
    return found


def _account(node: ViewNode, options: Options) -> None:
    counted = [n for n in node.nodes if any(matches(t, options.account) for t in n.types)]
    for child in node.children:
        _account(child, options)
    node.nodes = counted
    # A scope counts for what is below it.
    node.accounted = bool(counted) or any(child.accounted for child in node.children)
    node.stats = sum((n.stats for n in counted), Counter({"definition_count": 1}))
    own = node.stats.copy() if node.accounted and node.name != ROOT else Counter()
    node.total = sum((child.total for child in node.children), own)


def _filtered(nodes: list[ViewNode], options: Options, depth: int) -> list[ViewNode]:
    """The nodes that are shown; those of a node that is hidden take its place."""
    found: list[ViewNode] = []
    for node in nodes:
        trimmed = node.name != ROOT and matches(node.name, options.trim)
        children = [] if trimmed else _filtered(node.children, options, depth + 1)
        if not (_fits(node, options, depth) and (node.accounted or node.name == ROOT)):
            found += children
            continue
        node.children = sort_lines(children, options.order_by)
        if options.displayed_only:
            node.total = sum((child.total for child in children), node.stats.copy())
        found.append(node)
    return found


def _fits(node: ViewNode, options: Options, depth: int) -> bool:
    if node.name == ROOT:
        return True
    for column, number in NUMBERS.items():
        if (node.stats if column in _OWN else node.total)[number] < options.limit(column):
            return False
    return depth <= options.max_depth and matches(node.name, options.show) and not matches(node.name, options.hide)


def sort_lines(lines: list[ViewNode], order_by: str) -> list[ViewNode]:
    """Lines by name, or by the total of a column, most first."""
    lines = sorted(lines, key=lambda line: line.name)
    return lines if order_by == "name" else sorted(lines, key=lambda line: -line.total[NUMBERS[order_by]])
