"""Pass: shapes, with those of the feeds known, and constant folding, which mostly folds arithmetic on shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..graph import Sizes
from ..inference import InferenceContext, sizes_by
from ..shapes import merge_sizes
from ..static import evaluate_kernel
from .dataflow import Dataflow, Node, Value, constant_node
from .list_lengths import note_length

# Folding must not trade a cheap Fill for a constant that stays in memory.
LARGEST_FOLDED = 1 << 16
LARGEST_UNSIZED = 64

_ASSIGNMENTS = frozenset({"Assign", "AssignVariableOp"})

_OF_SHAPE: dict[str, Any] = {
    "Shape": lambda s: np.array(s),
    "Size": lambda s: np.array(math.prod(s)),
    "Rank": lambda s: np.array(len(s)),
}


def infer(flow: Dataflow) -> None:
    """Makes all shapes as precise as the feeds' shapes allow; a contradiction is an InvalidArgumentError."""
    for node in flow.nodes:
        _infer_node(node)


def fold(flow: Dataflow) -> None:
    """Replaces what depends on constants and shapes alone by constants, refining shapes on the way."""
    replaced: dict[Value, Value] = {}
    gone: dict[Node, Node | None] = {}
    nodes: list[Node] = []
    users = flow.users()
    for node in flow.nodes:
        node.inputs = [replaced.get(v, v) for v in node.inputs]
        node.control = [c for c in node.control if not _does_nothing(c)]
        note_length(node)
        _infer_node(node)
        constants = _folded(node) or _repeated(node, users)
        if constants is None:
            nodes.append(node)
            continue
        nodes.extend(constants)
        replaced.update({v: c.outputs[0] for v, c in zip(node.outputs, constants, strict=True)})
        # What waited for the shape of a value waits for the value.
        gone[node] = node.inputs[0].node if node.type in (*_OF_SHAPE, "VariableShape") else None
    flow.nodes = nodes
    flow.replace(replaced)
    keep = [n for n in flow.targets if n not in gone]
    flow.targets = keep
    flow.redirect_control(gone)


def _does_nothing(node: Node) -> bool:
    """Whether who waits for a node waits for nothing: what remains of a check that was settled by shapes alone, say."""
    return node.type in ("NoOp", "Const") and not node.control


def _infer_node(node: Node) -> None:
    rule = node.definition.shape_rule
    if rule is None or not node.outputs or node.definition.type == "_Feed":
        return
    try:
        sizes = sizes_by(rule, context_of(node))
    except ValueError as error:
        raise InvalidArgumentError(
            node.name, node.origin, f"{error} for {node.describe()}, with {_shapes(node)}"
        ) from None
    sizes = sizes * len(node.outputs) if len(sizes) == 1 else sizes
    for value, new in zip(node.outputs, sizes, strict=True):
        value.sizes = _merged(node, value.sizes, new)


def _merged(node: Node, old: Sizes, new: Sizes) -> Sizes:
    try:
        return merge_sizes(old, new)
    except ValueError as error:
        raise InvalidArgumentError(
            node.name, node.origin, f"{error} for {node.describe()}, with {_shapes(node)}"
        ) from None


def _shapes(node: Node) -> str:
    return "input shapes: " + ", ".join(str(list(v.sizes)) if v.sizes is not None else "?" for v in node.inputs)


def context_of(node: Node) -> InferenceContext:
    """What the node's shape rule sees: only constants have values."""
    values = [v.node.constant for v in node.inputs]

    def sizes_value(i: int) -> Sizes:
        value = values[i]
        if value is not None:
            return tuple(None if s < 0 else int(s) for s in np.ravel(value))
        known = node.inputs[i].sizes
        return (None,) * known[0] if known is not None and len(known) == 1 and known[0] is not None else None

    return InferenceContext(
        node.definition,
        [v.sizes for v in node.inputs],
        [v.dtype for v in node.inputs],
        node.attrs,
        lambda i: values[i],
        sizes_value,
        node.name,
    )


def _static(sizes: Sizes) -> bool:
    return sizes is not None and None not in sizes


def _folded(node: Node) -> list[Node] | None:
    if node.control or any(v.node.control and v.node.type == "Const" for v in node.inputs):
        return None
    if node.type in _OF_SHAPE and node.inputs[0].variable is None:
        sizes = node.inputs[0].sizes
        known = _static(sizes) or (node.type == "Rank" and sizes is not None)
        return [_constant(node, 0, _OF_SHAPE[node.type](sizes))] if known else None
    if node.type == "VariableShape":
        ref = node.inputs[0].variable
        # Of those whose shape may change, nothing is known.
        return [_constant(node, 0, np.array(ref.sizes))] if ref is not None and _static(ref.sizes) else None
    if node.type == "Const" or not node.pure or not node.definition.foldable or not node.outputs:
        return None
    inputs = [v.node.constant for v in node.inputs]
    if any(i is None for i in inputs) or not (all(_small(v.sizes) for v in node.outputs) or _tiny(inputs)):
        return None
    try:
        results = evaluate_kernel(node.definition, inputs, node.attrs, [v.dtype.numpy for v in node.outputs])
    except Exception:
        # The step will raise it with the operation's name, if the operation runs at all.
        return None
    if results is None or any(r.size > LARGEST_FOLDED for r in results):
        return None
    return [_constant(node, i, r) for i, r in enumerate(results)]


def _repeated(node: Node, users: dict[Value, list[Node]]) -> list[Node] | None:
    """An array of one value that is only assigned, as a constant that has memory for one element."""
    if node.type != "Fill" or node.control or not _static(node.outputs[0].sizes):
        return None
    value, kinds = node.inputs[1].node.constant, {user.type for user in users.get(node.outputs[0], ())}
    if value is None or not kinds or kinds - _ASSIGNMENTS:
        return None
    sizes = [size or 0 for size in node.outputs[0].sizes or ()]
    return [_constant(node, 0, np.broadcast_to(value, sizes))]


def _tiny(inputs: list[Any]) -> bool:
    # Outputs of unknown size, such as a list of axes, are folded where little goes in.
    return 0 < sum(int(i.size) for i in inputs) <= LARGEST_UNSIZED


def _small(sizes: Sizes) -> bool:
    return _static(sizes) and math.prod(sizes or ()) <= LARGEST_FOLDED  # type: ignore[arg-type]


def _constant(node: Node, index: int, array: Any) -> Node:
    value = node.outputs[index]
    name = node.name if len(node.outputs) == 1 else f"{node.name}:{index}"
    return constant_node(np.asarray(array, value.dtype.numpy), value.dtype, name, node.order, node.origin)
