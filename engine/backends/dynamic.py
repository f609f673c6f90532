"""The interpreter for raw control flow: Switch, Merge, Enter, Exit, NextIteration, with dead tensors and frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Graph, Operation, Tensor
from ..runtime import Runtime

RAW_CONTROL = frozenset(
    {
        "Switch",
        "Merge",
        "Enter",
        "Exit",
        "NextIteration",
        "LoopCond",
        "RefSwitch",
        "RefMerge",
        "RefEnter",
        "RefExit",
        "RefNextIteration",
    }
)


def needs_dynamic(ops: Sequence[Operation]) -> bool:
    """Whether a step uses raw control flow, which no plan can order ahead of time."""
    return any(op.type in RAW_CONTROL for op in ops)


class DynamicProgram:
    """A step of a graph with raw control flow."""

    def __init__(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
    ) -> None:
        raise NotImplementedError

    def run(self, feeds: dict[Tensor, Any]) -> list[Any]:
        """The fetched values."""
        raise NotImplementedError
