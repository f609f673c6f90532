"""The graph of a dump: nodes, what they take and who takes it, in both directions, and the user's lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any


def node_of(element_name: str) -> str:
    """The operation's name in the name of a tensor, of a control input or of an operation.

    Example:
        >>> from headrace.engine.debug.dump_graph import node_of
        >>> node_of("a/b:1"), node_of("^a/b"), node_of("a/b")
        ('a/b', 'a/b', 'a/b')
    """
    name = element_name.removeprefix("^")
    head, _, tail = name.rpartition(":")
    return head if head and tail.isdigit() else name


_FIELDS = {"name": str, "op": str, "device": str, "attrs": dict, "file": str, "line": int, "function": str}


def _checked(node: Any) -> dict[str, Any]:
    """A node of graph.json; ValueError if it is not one."""
    good = (
        isinstance(node, dict)
        and all(type(node.get(key)) is kind for key, kind in _FIELDS.items())
        and all(_are_names(node.get(key)) for key in ("inputs", "control"))
        and isinstance(node.get("inside", 0), str | None)
        and isinstance(node.get("outputs"), list)
        and all(isinstance(pair, list) and len(pair) == 2 for pair in node["outputs"])
    )
    if not good:
        raise ValueError(f"The graph of a dump has a damaged node: {str(node)[:200]}")
    return dict(node)


def _are_names(item: Any) -> bool:
    return isinstance(item, list) and all(isinstance(name, str) for name in item)


class DumpGraph:
    """Nodes by name, as a dump's graph.json lists them. Branches and bodies are part of it."""

    def __init__(self, nodes: Sequence[dict[str, Any]], device: str) -> None:
        self._nodes: dict[str, dict[str, Any]] = {_checked(node)["name"]: node for node in nodes}
        self._device = device
        self._recipients: dict[str, dict[str, None]] = {}
        self._control_recipients: dict[str, dict[str, None]] = {}
        for name, node in self._nodes.items():
            for source in node["inputs"]:
                self._recipients.setdefault(node_of(source), {})[name] = None
            for source in node["control"]:
                self._control_recipients.setdefault(source, {})[name] = None

    def _node(self, element_name: str) -> dict[str, Any]:
        name = node_of(element_name)
        if name not in self._nodes:
            raise ValueError(f"Node {name!r} does not exist in the graph of this dump")
        return self._nodes[name]

    def devices(self) -> list[str]:
        """The one device."""
        return [self._device]

    def loaded_partition_graphs(self) -> bool:
        """True: the graph is part of a dump."""
        return True

    def partition_graphs(self) -> list[Any]:
        """The graph as a list of one GraphDef: names, types, inputs and devices. `node_attributes` has the attributes."""
        from ..protos import GraphDef  # messages are read only where they are asked for

        graph = GraphDef()
        for name, node in self._nodes.items():
            inputs = [*node["inputs"], *(f"^{c}" for c in node["control"])]
            graph.node.add(name=name, op=node["op"], device=node["device"], input=inputs)
        return [graph]

    def reconstructed_non_debug_partition_graphs(self) -> dict[str, Any]:
        """The same GraphDef by the name of its device: nothing is added to a graph to watch it."""
        return {self._device: self.partition_graphs()[0]}

    def nodes(self, device_name: str | None = None) -> list[str]:
        """The names of all operations of the step."""
        return list(self._nodes)

    def node_exists(self, node_name: str, device_name: str | None = None) -> bool:
        """Whether the step has an operation of this name."""
        return node_of(node_name) in self._nodes

    def node_device(self, node_name: str) -> str:
        """The device that ran an operation; ValueError if there is none of that name, here and below."""
        self._node(node_name)
        return self._device

    def node_op_type(self, node_name: str, device_name: str | None = None) -> str:
        """The op type of an operation."""
        return str(self._node(node_name)["op"])

    def node_attributes(self, node_name: str, device_name: str | None = None) -> dict[str, str]:
        """The attributes of an operation, each as text."""
        return {str(name): str(text) for name, text in self._node(node_name)["attrs"].items()}

    def node_outputs(self, node_name: str) -> list[tuple[str, list[int | None] | None]]:
        """The dtype and the static shape of each output of an operation."""
        return [(str(dtype), sizes) for dtype, sizes in self._node(node_name)["outputs"]]

    def made_at(self, node_name: str) -> tuple[str, int, str]:
        """The user's line that made an operation: file, line number and function."""
        node = self._node(node_name)
        return str(node["file"]), int(node["line"]), str(node["function"])

    def inside(self, node_name: str) -> str | None:
        """The function (branch or body) that an operation is part of; None for the graph itself."""
        found = self._node(node_name)["inside"]
        return None if found is None else str(found)

    def node_inputs(self, node_name: str, is_control: bool = False, device_name: str | None = None) -> list[str]:
        """What an operation takes: names of operations, with `:slot` where that is not 0; or what it waits for."""
        return list(self._node(node_name)["control" if is_control else "inputs"])

    def node_recipients(self, node_name: str, is_control: bool = False, device_name: str | None = None) -> list[str]:
        """The operations that take an operation's outputs, or wait for it."""
        self._node(node_name)
        table = self._control_recipients if is_control else self._recipients
        return list(table.get(node_of(node_name), ()))

    def transitive_inputs(
        self,
        node_name: str,
        include_control: bool = True,
        include_reversed_ref: bool = False,
        device_name: str | None = None,
    ) -> list[str]:
        """All operations that an operation needs, the nearest first.

        Args:
            node_name: the operation.
            include_control: follow control edges too.
            include_reversed_ref: accepted; writes of variables are ordered by control edges here.
            device_name: accepted.
        """
        self._node(node_name)
        found: dict[str, None] = {}
        queue = deque([node_of(node_name)])
        while queue:
            for source in self._sources(queue.popleft(), include_control):
                if source not in found:
                    found[source] = None
                    queue.append(source)
        return list(found)

    def find_some_path(
        self,
        src_node_name: str,
        dst_node_name: str,
        include_control: bool = True,
        include_reversed_ref: bool = False,
        device_name: str | None = None,
    ) -> list[str] | None:
        """A shortest way from one operation to another that needs it, both included; None if there is none."""
        source, target = node_of(src_node_name), node_of(dst_node_name)
        self._node(source)
        self._node(target)
        after: dict[str, str] = {target: ""}
        queue = deque([target])
        while queue and source not in after:
            name = queue.popleft()
            for before in self._sources(name, include_control):
                if before not in after:
                    after[before] = name
                    queue.append(before)
        if source not in after:
            return None
        path = [source]
        while path[-1] != target:
            path.append(after[path[-1]])
        return path

    def _sources(self, name: str, include_control: bool) -> list[str]:
        node = self._nodes.get(name)
        if node is None:
            return []
        return [node_of(s) for s in node["inputs"]] + (list(node["control"]) if include_control else [])
