"""Pass, for devices: GELU with tanh that is written with other ops, and its gradient, are one operation each.

Around a Tanh, what is computed of one value x and constants alone is evaluated at a few numbers: a node that gives there what
GELU does is `_Gelu(x)`, however it is written. So is a node after a TanhGrad that gives GELU's gradient `_GeluGrad(dy, x)`.
Neither keeps the tanh, nor anything in between, in memory; and in mixed precision both stay in 16 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dtypes import float32
from ..kernels.gelu import CUBE, SLOPE, gelu, gelu_slope
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value
from .fuse import expression_of

Array = np.ndarray[Any, Any]
# Where expressions are compared: on both sides, where the tanh is steep, where it is flat, and far beyond, where some are cut.
_X = np.concatenate([np.linspace(-6, 6, 25), [-0.37, 0.41, 1.3, -1e4, -70, -9, 9, 70, 1e4]])
_DY = np.cos(7 * np.arange(_X.size)) + 0.1
# How far from the tanh its argument's parts, the result and the gradient's sum may be.
_NEAR, _FAR = 8, 12


def fuse_gelu(flow: Dataflow) -> None:
    """Replaces GELUs and their gradients."""
    gelus = _Gelus(flow)
    changed = [gelus.replace(node) for node in flow.nodes if node.type == "Tanh" and node.outputs[0].dtype is float32]
    if any(changed):
        flow.prune()


class _Gelus:
    """Who uses what in a step."""

    def __init__(self, flow: Dataflow) -> None:
        self.users = flow.users()
        self.kept = {v.node for v in flow.fetches} | set(flow.targets)
        self.kept |= {before for node in flow.nodes for before in node.control}

    def replace(self, tanh: Node) -> bool:
        """Replaces what is around a Tanh if it is a GELU, and the Tanh is not needed for anything else."""
        argument = tanh.inputs[0]
        if argument.node.type != "Mul" or tanh in self.kept:
            return False
        x = next((v for v in _inside(tanh) if _gives(argument, {v: _X}, SLOPE * (_X + CUBE * _X**3))), None)
        if x is None:
            return False
        result = next((n for n in self._after(tanh) if _gives(n.outputs[0], {x: _X}, gelu(_X))), None)
        slopes = [n for n in self.users[tanh.outputs[0]] if n.type == "TanhGrad" and n.inputs[0] is tanh.outputs[0]]
        found = [self._gradient(x, slope) for slope in slopes]
        if result is None or not all(found):
            return False
        gradients = [pair for pair in found if pair]
        if not self._only_for(tanh, {result, *(node for node, _ in gradients)}):
            return False
        _become(result, "_Gelu", [x])
        for node, dy in gradients:
            _become(node, "_GeluGrad", [dy, x])
        return True

    def _gradient(self, x: Value, slope: Node) -> tuple[Node, Value] | None:
        """The node that is the gradient by x, and that of the result, around the TanhGrad of a GELU's tanh."""
        expected = _DY * gelu_slope(_X)
        for dy in _factors(slope.inputs[1], x):
            for node in self._after(slope):
                if _gives(node.outputs[0], {x: _X, dy: _DY}, expected):
                    return node, dy
        return None

    def _after(self, node: Node) -> Iterator[Node]:
        """What is computed element by element of a node's result, the nearest first."""
        layer, seen = [node], {node}
        for _ in range(_FAR):
            after = dict.fromkeys(n for m in layer for v in m.outputs for n in self.users.get(v, ()) if _evaluable(n))
            layer = [n for n in after if n not in seen]
            seen.update(layer)
            yield from layer

    def _only_for(self, node: Node, ends: set[Node]) -> bool:
        """Whether all that is computed of a node's result ends in some nodes."""
        layer, seen = [node], {node}
        while layer:
            after = {n for m in layer for v in m.outputs for n in self.users.get(v, ())} - seen - ends
            if any(n in self.kept or not _evaluable(n) for n in after) or len(seen) > 64:
                return False
            seen |= after
            layer = [*after]
        return True


def _become(node: Node, op_type: str, inputs: list[Value]) -> None:
    node.definition, node.attrs, node.inputs = definition_of(op_type), {"T": node.outputs[0].dtype}, inputs


def _inside(node: Node) -> list[Value]:
    """The values near under a node that may be what its result is a function of, each with two uses there."""
    layer, counts = [node], dict[Value, int]()
    for _ in range(_NEAR):
        below = [v for n in layer for v in n.inputs if v.node.constant is None]
        for value in below:
            counts[value] = counts.get(value, 0) + 1
        layer = [n for n in dict.fromkeys(v.node for v in below) if _evaluable(n)]
    return [value for value, count in counts.items() if count > 1]


def _factors(value: Value, x: Value) -> Iterator[Value]:
    """A value, and what it is the product of with numbers that are known where x is."""
    for _ in range(_NEAR):
        yield value
        if value.node.type != "Mul":
            return
        rest = [v for v in value.node.inputs if _evaluated(v, {x: _X}) is None]
        if len(rest) != 1:
            return
        value = rest[0]


def _evaluable(node: Node) -> bool:
    return node.type == "AddN" or expression_of(node) is not None


def _gives(value: Value, known: dict[Value, Array], expected: Array) -> bool:
    found = _evaluated(value, known)
    return found is not None and np.shape(found) == expected.shape and np.allclose(found, expected, 1e-5, 1e-6)


def _evaluated(value: Value, known: dict[Value, Array]) -> Any:
    """What a value is where others are known; None where it depends on more than these and constant numbers."""
    results: dict[Value, Any] = dict(known)
    sizes = next(iter(known)).sizes
    with np.errstate(all="ignore"):
        return _result(value, results, sizes, [4 * _FAR])


def _result(value: Value, results: dict[Value, Any], sizes: Any, left: list[int]) -> Any:
    if value in results:
        return results[value]
    left[0] -= 1
    node, constant = value.node, value.node.constant
    if constant is not None:
        result = float(constant.reshape(())) if constant.size == 1 and constant.dtype == np.float32 else None
    elif value.sizes != sizes or value.dtype is not float32 or left[0] < 0 or not _evaluable(node):
        result = None
    else:
        inputs = [_result(v, results, sizes, left) for v in node.inputs]
        result = None if any(v is None for v in inputs) else _computed(node, inputs)
    results[value] = result
    return result


def _computed(node: Node, inputs: list[Any]) -> Any:
    expression = expression_of(node)
    return sum(inputs) if expression is None else expression.evaluate(*inputs)
