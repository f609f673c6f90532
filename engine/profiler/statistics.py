"""Statistics of operations by op type, such as "flops": rules that are registered, and what they give for a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import Graph
from ..protos import NodeDef

StatisticsRule = Callable[[Any, NodeDef], "OpStats"]

_rules: dict[tuple[str, str], StatisticsRule] = {}


class OpStats:
    """A statistic of an operation, as TensorFlow 1.15's: `statistic_type` such as "flops", and its value or None."""

    def __init__(self, statistic_type: str, value: float | None = None) -> None:
        self.statistic_type = statistic_type
        self.value = value

    @property
    def statistic_type(self) -> str:
        """What is counted."""
        return self._statistic_type

    @statistic_type.setter
    def statistic_type(self, statistic_type: str) -> None:
        self._statistic_type = statistic_type

    @property
    def value(self) -> float | None:
        """How much of it; None where nothing is known."""
        return self._value

    @value.setter
    def value(self, value: float | None) -> None:
        self._value = value

    def __iadd__(self, other: OpStats) -> OpStats:
        if other.statistic_type != self.statistic_type:
            raise ValueError(
                f"Can't add an OpStat of type {self.statistic_type!r} to one of type {other.statistic_type!r}."
            )
        if other.value is not None:
            self.value = other.value + (self.value or 0)
        return self


class RegisterStatistics:
    """Registers a rule for a statistic of an op type, as TensorFlow 1.15's decorator.

    The rule takes a graph and a NodeDef and gives an OpStats. It raises ValueError where shapes are not known.

    Example:
        >>> import headrace as tf
        >>> @tf.RegisterStatistics("Cross", "flops")
        ... def cross_flops(graph, node):
        ...     return OpStats("flops", 3 * graph.get_tensor_by_name(node.name + ":0").shape.num_elements())
    """

    def __init__(self, op_type: str, statistic_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string.")
        if "," in op_type:
            raise TypeError("op_type must not contain a comma.")
        if not isinstance(statistic_type, str):
            raise TypeError("statistic_type must be a string.")
        if "," in statistic_type:
            raise TypeError("statistic_type must not contain a comma.")
        self._key = (op_type, statistic_type)

    def __call__(self, rule: StatisticsRule) -> StatisticsRule:
        if self._key in _rules:
            raise KeyError(f"Registering two statistics with name {','.join(self._key)!r}!")
        _rules[self._key] = rule
        return rule


def get_stats_for_node_def(graph: Graph | Any, node: NodeDef, statistic_type: str) -> OpStats:
    """A statistic of a node of a graph; without a value where no rule is registered for its op type.

    Raises:
        ValueError: the rule needs shapes that are not known.
    """
    rule = _rules.get((node.op, statistic_type))
    return OpStats(statistic_type) if rule is None else rule(graph, node)
