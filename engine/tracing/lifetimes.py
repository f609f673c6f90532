"""How long the tensors of a step lived: from the node that made each to the last one that used it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..protos import NodeExecStats, TensorDescription


class Row(Protocol):
    """A node that ran: what a timeline draws."""

    @property
    def name(self) -> str:
        """Its name in the graph."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the operations whose results it takes."""

    @property
    def pid(self) -> int:
        """The number of its device."""

    @property
    def start(self) -> int:
        """When it began, in nanoseconds."""

    @property
    def end(self) -> int:
        """When it ended."""

    @property
    def stats(self) -> NodeExecStats:
        """What the trace says of it."""


@dataclass
class Lifetime:
    """A tensor in memory of its own, from `start` to `end` in nanoseconds."""

    number: int
    name: str
    allocator: str
    nbytes: int
    pid: int
    start: int
    end: int
    description: TensorDescription


def lifetimes(rows: Sequence[Row]) -> list[Lifetime]:
    """The tensors that nodes made; one written over an input of its node goes on with that input's memory."""
    found: list[Lifetime] = []
    of_node: dict[str, list[Lifetime]] = {}
    for row in sorted(rows, key=lambda r: r.end):
        taken = [life for name in row.inputs for life in of_node.get(name, ())]
        for life in taken:
            life.end = max(life.end, row.end)
        kept = {life.description.allocation_description.ptr: life for life in taken}
        made = []
        for output in row.stats.output:
            allocation = output.tensor_description.allocation_description
            if allocation.allocated_bytes <= 0:
                continue
            if allocation.ptr and allocation.ptr in kept:
                made.append(kept[allocation.ptr])
                continue
            name = f"{row.name}:{output.slot}" if output.slot else row.name
            made.append(_lifetime(len(found), name, row, output.tensor_description))
            found.append(made[-1])
        of_node[row.name] = made
    return found


def _lifetime(number: int, name: str, row: Row, description: TensorDescription) -> Lifetime:
    allocation = description.allocation_description
    allocator = allocation.allocator_name or "unknown"
    return Lifetime(number, name, allocator, allocation.allocated_bytes, row.pid, row.start, row.end, description)
