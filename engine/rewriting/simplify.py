"""Pass: algebra. Nodes that give back their input are dropped; chains of reshapes and transposes are shortened.

Rewrites that could change a bit of a float result are not made, but for one: powers by small constants become products,
roots and reciprocals, which round each step (two units in the last place) and take a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..registry import definition_of
from ..scalar import Scalar, call, trace
from .dataflow import Dataflow, Node, Value

Rule = Callable[[Node], Value | None]


def simplify(flow: Dataflow) -> None:
    """Applies the rules to each node, in order, until none applies to it."""
    replaced: dict[Value, Value] = {}
    for node in flow.nodes:
        node.inputs = [replaced.get(v, v) for v in node.inputs]
        rule = _RULES.get(node.type)
        value = rule(node) if rule is not None and not node.control else None
        if value is not None and value.dtype == node.outputs[0].dtype:
            replaced[node.outputs[0]] = value
    flow.replace(replaced)


def _is_constant(value: Value, number: float) -> bool:
    array = value.node.constant
    # Not complex ones: infinity times 1 + 0j is not infinity.
    if array is None or array.size != 1 or array.dtype.kind not in "fiu":
        return False
    # x - (-0.0) turns -0.0 into 0.0.
    return bool(array.reshape(()) == number) and not np.signbit(array).any()


def _same_shape(value: Value, node: Node) -> Value | None:
    sizes = value.sizes
    known = sizes is not None and None not in sizes and sizes == node.outputs[0].sizes
    return value if known else None


def _identity(node: Node) -> Value | None:
    return node.inputs[0]


def _neutral(number: float, *, both: bool) -> Rule:
    def rule(node: Node) -> Value | None:
        x, y = node.inputs
        if _is_constant(y, number):
            return _same_shape(x, node)
        return _same_shape(y, node) if both and _is_constant(x, number) else None

    return rule


def _squared(x: Scalar) -> Scalar:
    return call("square", x)


# What x to the power of a constant is: an op, or an expression where no op is that.
_POWERS: dict[float, str | Callable[[Scalar], Scalar]] = {
    2: "Square",
    3: lambda x: _squared(x) * x,
    4: lambda x: _squared(_squared(x)),
    0.5: "Sqrt",
    -0.5: "Rsqrt",
    -1: "Reciprocal",
    -2: lambda x: 1 / _squared(x),
}


def _power(node: Node) -> Value | None:
    x, y = node.inputs
    exponent = y.node.constant
    if x.dtype.name not in ("float32", "float64") or exponent is None or exponent.size != 1:
        return None
    if float(exponent.reshape(())) == 1:
        return _same_shape(x, node)
    rule = _POWERS.get(float(exponent.reshape(())))
    if rule is None or _same_shape(x, node) is None:
        return None
    node.inputs = [x]
    if isinstance(rule, str):
        node.definition, node.attrs = definition_of(rule), {"T": x.dtype}
    else:
        node.definition = definition_of("_Fused")
        node.attrs = {"expression": trace(rule, 1), "parts": ["Pow"], "dtype": x.dtype}
    return None


def _reshape(node: Node) -> Value | None:
    source = node.inputs[0]
    # A reshape of a reshape reads the first one's input: the element order is the same.
    while source.node.type in ("Reshape", "ExpandDims", "Squeeze") and not source.node.control:
        source = node.inputs[0] = source.node.inputs[0]
    return _same_shape(source, node)


def _cast(node: Node) -> Value | None:
    return node.inputs[0] if node.inputs[0].dtype == node.outputs[0].dtype else None


def _transpose(node: Node) -> Value | None:
    order = node.inputs[1].node.constant
    if order is None:
        return None
    if np.array_equal(order, np.arange(order.size)):
        return node.inputs[0]
    inner = node.inputs[0].node
    before = inner.inputs[1].node.constant if inner.type == "Transpose" and not inner.control else None
    if before is not None and np.array_equal(before[order], np.arange(order.size)):
        return inner.inputs[0]
    return None


def _twice(node: Node) -> Value | None:
    inner = node.inputs[0].node
    return inner.inputs[0] if inner.type == node.type and not inner.control else None


def _reduction(node: Node) -> Value | None:
    axes = node.inputs[1].node.constant
    return node.inputs[0] if axes is not None and axes.size == 0 else None


def _squeeze(node: Node) -> Value | None:
    return _same_shape(node.inputs[0], node)


_RULES: dict[str, Rule] = {
    "Identity": _identity,
    "StopGradient": _identity,
    "PreventGradient": _identity,
    # x + 0 is not among them: it turns -0.0 into 0.0.
    "Mul": _neutral(1, both=True),
    "RealDiv": _neutral(1, both=False),
    "Div": _neutral(1, both=False),
    "Sub": _neutral(0, both=False),
    "Pow": _power,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Cast": _cast,
    "Transpose": _transpose,
    "Sum": _reduction,
    "Mean": _reduction,
    "Max": _reduction,
    "Min": _reduction,
    "Prod": _reduction,
    "Neg": _twice,
    "LogicalNot": _twice,
}
