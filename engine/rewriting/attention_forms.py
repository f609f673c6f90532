"""How attention is written: what stands between its two products, forwards, and the gradient of each such step.

The way from scores to weights is peeled off from its end: casts between float32 and 16 bits, numbers that scores are
multiplied by, masks that are added or selected by, the softmax, and dropout of what it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dtypes import DType, bfloat16, bool as boolean, float16, float32
from .dataflow import Node, Value

PRODUCTS = ("BatchMatMulV2", "BatchMatMul")
_NARROW = (bfloat16, float16)
# Scores that are set to such a number have no weight beside others; below it, which no scores of use are, they would count as
# it. It is -3e4 as bfloat16 has it.
_HIDDEN = -29952.0
# What is looked through for numbers that all are one.
_DEPTH = 4

# What a step's gradient is: finds the node of a type with these inputs, in any order if asked, and gives its result.
User = Callable[..., Value | None]


@dataclass(eq=False)
class Step:
    """A node on the way, what it reads of it, and what it reads besides."""

    kind: str
    node: Node
    inner: Value
    other: Value | None = None
    number: float = 1.0
    # Nodes that serve this one alone.
    besides: list[Node] = field(default_factory=list)
    # Of a selection: whether the scores are what is taken where the condition is not true.
    turned: bool = False

    def gradient(self, given: Value, user: User) -> Value | None:
        """What comes back through this step; None where no node computes it."""
        if self.kind == "cast":
            return user("Cast", given, DstT=self.inner.dtype)
        if self.kind in ("scale", "keep", "multiplied"):
            if self.node.type == "RealDiv":
                return user("RealDiv", given, self.other)
            return user("Mul", given, self.other, any_order=True)
        return user(self.node.type, given, selects=self) if self.kind == "select" else given

    def selects_alike(self, node: Node, given: Value) -> list[Node] | None:
        """The nodes of a selection by the same condition between `given` and zeros; None if `node` is none."""
        first, second = node.inputs[1], node.inputs[2]
        zeros, same = (first, second) if self.turned else (second, first)
        found = uniform(zeros)
        if node.inputs[0] is not self.other or same is not given or found is None or found[0] != 0:
            return None
        return [node, *found[1]]


def uniform(value: Value, depth: int = _DEPTH) -> tuple[float, list[Node]] | None:
    """The number that all elements are, and the nodes that read a value to make it of; None where there is no such."""
    node = value.node
    if node.constant is not None:
        array = node.constant.astype(np.float64) if node.constant.dtype.kind in "fV" else None
        same = array is not None and array.size > 0 and bool((array == array.flat[0]).all())
        return (float(array.flat[0]), []) if same and array is not None else None
    if node.type in ("ZerosLike", "OnesLike"):
        return (0.0 if node.type == "ZerosLike" else 1.0), [node]
    places = {"Fill": (1,), "BroadcastTo": (0,), "Cast": (0,), "Mul": (0, 1), "Neg": (0,)}.get(node.type)
    if places is None or depth == 0:
        return None
    number, nodes = (-1.0 if node.type == "Neg" else 1.0), list[Node]()
    for place in places:
        found = uniform(node.inputs[place], depth - 1)
        if found is None:
            return None
        number, nodes = number * found[0], nodes + found[1]
    return number, [*nodes, node] if nodes else []


def spread(value: Value) -> Value:
    """What was repeated along some axes, as far as broadcasting does the same."""
    node = value.node
    while node.type in ("BroadcastTo", "Tile"):
        inner, sizes = node.inputs[0], value.sizes
        if inner.sizes is None or sizes is None or None in (*inner.sizes, *sizes):
            break
        pairs = zip(inner.sizes[::-1], sizes[::-1], strict=False)
        if any(one not in (1, other) for one, other in pairs) or inner.variable is not None:
            break
        value, node = inner, inner.node
    return value


def number_of(value: Value) -> float | None:
    """A constant of one element as a number."""
    constant = value.node.constant
    return None if constant is None or constant.size != 1 else float(constant.reshape(()))


def peel(value: Value) -> Step | None:
    """The step that ends in these scores, if it is one of those that attention is made of."""
    node = value.node
    if node.type == "Cast":
        return _cast(value)
    if node.type in ("Mul", "RealDiv"):
        return _scaling(value)
    if node.type in ("AddV2", "Add", "Sub"):
        return _hiding(value) or _adding(value)
    return _selection(value) if node.type in ("Select", "SelectV2") else None


def _cast(value: Value) -> Step | None:
    inner = value.node.inputs[0]
    between = {value.dtype, inner.dtype}
    return Step("cast", value.node, inner) if between <= {float32, *_NARROW} and len(between) == 2 else None


def _scaling(value: Value) -> Step | None:
    node = value.node
    for place in (1, 0):
        number, inner = number_of(node.inputs[place]), node.inputs[1 - place]
        if number is not None and number != 0 and inner.sizes == value.sizes and (place or node.type == "Mul"):
            return Step("scale", node, inner, node.inputs[place], number if node.type == "Mul" else 1 / number)
    return None


def _adding(value: Value) -> Step | None:
    node = value.node
    x, y = node.inputs
    turned = y.sizes == value.sizes and (x.sizes != value.sizes or (_is_scores(y.node) and not _is_scores(x.node)))
    if node.type != "Sub" and turned:
        x, y = y, x
    if x.sizes != value.sizes:
        return None
    return Step("mask", node, x, spread(y), -1.0 if node.type == "Sub" else 1.0)


def _is_scores(node: Node) -> bool:
    types = (*PRODUCTS, "Mul", "RealDiv", "Select", "SelectV2", "AddV2", "Add", "Sub")
    return node.type in types or (node.type == "Cast" and node.inputs[0].node.type in types)


def _hiding(value: Value) -> Step | None:
    """`scores * b - number * (1 - b)` for a constant b of zeros and ones, as GPT-2 writes it."""
    node = value.node
    product, less = node.inputs
    if product.node.type != "Mul" or less.node.constant is None:
        return None
    shown = product.node.inputs[1].node.constant
    if shown is None or shown.size == 1 or shown.shape != less.node.constant.shape:
        return None
    shown, added = (x.astype(np.float32) for x in (shown, less.node.constant))
    number = float(added.min() if node.type != "Sub" else -added.max())
    expected = np.where(shown == 1, np.float32(0), np.float32(number if node.type != "Sub" else -number))
    whole = bool(((shown == 1) | (shown == 0)).all()) and np.array_equal(added, expected)
    inner, condition = product.node.inputs
    if not whole or number > _HIDDEN or inner.sizes != value.sizes:
        return None
    return Step("multiplied", node, inner, condition, number, [product.node])


def _selection(value: Value) -> Step | None:
    node = value.node
    condition = node.inputs[0]
    if condition.dtype is not boolean or (node.type == "Select" and condition.sizes != value.sizes):
        return None
    for turned, (inner, other) in ((False, node.inputs[1:]), (True, node.inputs[:0:-1])):
        found = uniform(other)
        if found is not None and found[0] <= _HIDDEN and inner.sizes == value.sizes:
            return Step("select", node, inner, condition, found[0], found[1], turned)
    return None


@dataclass(eq=False)
class Dropout:
    """How weights are dropped: by which draw, what is kept of it, and what the rest is multiplied by."""

    draw: Node
    rate: Value
    factor: Value | None = None


def peel_weights(value: Value, sizes: Any) -> tuple[Step, Dropout | None] | None:
    """The step between the softmax and these weights: a cast, a factor of one element, or a draw of what is kept."""
    node = value.node
    if node.type == "Cast":
        step = _cast(value)
        return None if step is None else (step, None)
    if node.type != "Mul":
        return None
    for place in (1, 0):
        other, inner = node.inputs[place], node.inputs[1 - place]
        if inner.sizes != sizes:
            continue
        kept = _kept(other, sizes)
        if kept is not None:
            return Step("keep", node, inner, other, besides=kept[1]), kept[0]
        if other.sizes is not None and set(other.sizes) <= {1} and other.dtype == value.dtype:
            return Step("scale", node, inner, other), None
    return None


def _kept(value: Value, sizes: Any) -> tuple[Dropout, list[Node]] | None:
    """`cast(drawn >= rate)`, and its nodes."""
    cast = value.node
    compare = cast.inputs[0].node if cast.type == "Cast" else cast
    if compare.type != "GreaterEqual" or cast is compare or value.sizes != sizes:
        return None
    drawn, rate = compare.inputs
    nodes = [cast, compare]
    while drawn.node.type in ("Add", "AddV2", "Mul"):
        neutral = 1.0 if drawn.node.type == "Mul" else 0.0
        if number_of(drawn.node.inputs[1]) != neutral:
            return None
        nodes.append(drawn.node)
        drawn = drawn.node.inputs[0]
    known = drawn.node.type == "RandomUniform" and drawn.dtype in (float32, *_NARROW) and drawn.sizes == sizes
    if not known or rate.sizes is None or not set(rate.sizes) <= {1}:
        return None
    return Dropout(drawn.node, rate), [*nodes, drawn.node]


def allowed(dtype: DType) -> bool:
    """Whether attention is recognised on matrices of a dtype."""
    return dtype in (float32, *_NARROW)
