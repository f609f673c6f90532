"""Is a step well formed? Run after every pass in tests and under HEADRACE_CHECK=1."""

from __future__ import annotations

from ..errors import InternalError
from .dataflow import Dataflow, Node, predecessors


def verify(flow: Dataflow, after: str) -> None:
    """Raises InternalError, naming the pass, unless every node is there once, after all that it needs."""
    seen: set[Node] = set()
    for node in flow.nodes:
        if node in seen:
            raise InternalError(None, None, f"After {after}: {node!r} is there twice")
        for before in predecessors(node):
            if before not in seen:
                raise InternalError(None, None, f"After {after}: {node!r} comes before {before!r}, which it needs")
        for i, value in enumerate(node.outputs):
            if value.node is not node or value.index != i:
                raise InternalError(None, None, f"After {after}: output {i} of {node!r} is {value!r}")
        seen.add(node)
    missing = [v.name for v in flow.fetches if v.node not in seen] + [n.name for n in flow.targets if n not in seen]
    if missing:
        raise InternalError(None, None, f"After {after}: what is fetched is gone: {missing}")
