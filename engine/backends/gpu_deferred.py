"""Loops that ask once, when they have ended, whether a kernel has refused its values: no iteration waits for its own answer.

Such a loop changes nothing but its own values. One in which something was refused is run again, asking at once: that gives
the CPU's error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..function import functions_of
from ..gpu.late import Refused, asking_late, asks_late
from ..graph import Graph, Operation
from ..list_value import ListValue
from ..registry import find_definition
from ..rewriting.dataflow import Node
from ..rewriting.lower import LOOKING, VARIABLE_TYPES

Compute = Callable[[list[Any]], list[Any]]
_CALLS = frozenset({"If", "While", "PartitionedCall", "StatefulPartitionedCall"})
_HARMLESS = LOOKING | VARIABLE_TYPES | _CALLS | {"Assert", "Identity", "Placeholder"}


def may_ask_late(node: Node) -> bool:
    """Whether a loop may run again: it writes no variables, draws no numbers, calls nothing of the user's."""
    return node.type == "While" and node.origin is not None and all(map(_changes_nothing, functions_of(node.origin)))


def _changes_nothing(graph: Graph) -> bool:
    return all(_is_harmless(op) and all(map(_changes_nothing, functions_of(op))) for op in graph.get_operations())


def _is_harmless(op: Operation) -> bool:
    if op.type in _HARMLESS:
        return True
    definition = find_definition(op.type)
    if definition is None or definition.stateful:
        return False
    return not any(t.dtype._is_ref_dtype or t.dtype.name == "resource" for t in op.inputs)


def late(compute: Compute, values: list[Any]) -> list[Any]:
    """Computes a loop that may ask late."""
    if asks_late():
        return compute(values)
    lists = [value for value in values if isinstance(value, ListValue)]
    read = [None if value.read is None else set(value.read) for value in lists]
    try:
        with asking_late():
            return compute(list(values))
    except Refused:
        for value, before in zip(lists, read, strict=True):
            value.read = before
    return compute(values)
