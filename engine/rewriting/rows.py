"""Pass: variables that are kept by rows are looked up, updated and initialized by row, and never read as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..registry import definition_of
from ..resources import kept_by_rows
from .dataflow import Dataflow, Node, Value

_LOOK_UPS = frozenset({"Gather", "GatherV2", "ResourceGather"})
_ASSIGNMENTS = frozenset({"Assign", "AssignVariableOp"})
_QUESTIONS = frozenset({"IsVariableInitialized", "VarIsInitializedOp"})
_OWN = frozenset(
    {
        "_GatherRows",
        "_InitializeRows",
        "ReadTableRows",
        "ResourceReadTableRows",
        "ResourceRestoreTableRows",
        "RestoreTableRows",
    }
)
# What hands a value on, as another dtype at most.
_KEEP = frozenset({"Identity", "Cast", "StopGradient"})
RANDOM = frozenset({"RandomUniform", "RandomStandardNormal", "TruncatedNormal"})


def keep_by_rows(flow: Dataflow) -> None:
    """Puts operations on rows in the place of those on whole variables.

    Raises:
        InvalidArgumentError: something needs such a variable as a whole.
    """
    if not any(_by_rows(v) for node in flow.nodes for v in node.outputs):
        return
    users = flow.users()
    for node in flow.nodes:
        if node.type in _LOOK_UPS:
            _look_up(node)
        elif node.type == "VariableShape" and _by_rows(node.inputs[0]):
            _shape(node)
        elif node.type in _ASSIGNMENTS and _by_rows(node.inputs[0]):
            _initialize(node, users)
    _drop_unused(flow)
    users = flow.users()
    for node in flow.nodes:
        if node.type == "ReadVariableOp" and not users.get(node.outputs[0]) and node.outputs[0] not in flow.fetches:
            _wait_only(node)
        for value in node.inputs:
            if _by_rows(value) and not _works_on_rows(node):
                raise _needs_whole(node, value)


def _drop_unused(flow: Dataflow) -> None:
    """Drops what only computed whole tables: random numbers among it, which are otherwise drawn even if nobody looks."""
    flow.prune()
    users = flow.users()
    for node in reversed(flow.nodes):
        wanted = node in flow.targets or any(v in flow.fetches or users.get(v) for v in node.outputs)
        if node.type in RANDOM and not wanted:
            flow.nodes.remove(node)
    flow.prune()


def _by_rows(value: Value) -> bool:
    ref = value.variable
    return ref is not None and kept_by_rows(ref.dtype, ref.sizes)


def _works_on_rows(node: Node) -> bool:
    # The indices of ScatterNd* name elements.
    updates = node.definition.update_function is not None and "Nd" not in node.type
    by_index = updates and "indices" in [a.name for a in node.definition.inputs]
    return by_index or node.type in _OWN or node.type in _QUESTIONS


def _look_up(node: Node) -> None:
    table = node.inputs[0]
    read = table.node if table.node.type == "ReadVariableOp" else None
    handle = read.inputs[0] if read is not None else table
    if not _by_rows(handle) or handle.variable is None:
        return
    axis = node.inputs[2].node.constant if len(node.inputs) > 2 else np.zeros(())
    if axis is None or axis.item() != 0 or node.attrs.get("batch_dims", 0):
        raise _needs_whole(node, handle)
    node.definition = definition_of("_GatherRows")
    node.inputs = [handle, node.inputs[1]]
    node.attrs = {
        "dtype": handle.variable.dtype,
        "Tindices": node.inputs[1].dtype,
        "row_sizes": list(handle.variable.sizes or ())[1:],
    }
    node.reads = frozenset({handle.variable.key})
    if read is not None:
        node.control += read.control


def _initialize(node: Node, users: dict[Value, list[Node]]) -> None:
    handle, value = node.inputs
    if handle.variable is None or handle.variable.sizes is None:
        return
    node.attrs = {"initial": RowProgram(value, handle.variable.sizes)}
    node.definition = definition_of("_InitializeRows")
    node.inputs = [handle]
    for out in node.outputs:
        for user in users.get(out, ()):
            user.inputs = [handle if v is out else v for v in user.inputs]
            user.control.append(node)
    node.outputs = []


def _shape(node: Node) -> None:
    ref, out = node.inputs[0].variable, node.outputs[0]
    sizes = np.array(ref.sizes if ref is not None else (), out.dtype.numpy)
    node.definition, node.inputs = definition_of("Const"), []
    node.attrs = {"value": sizes, "dtype": out.dtype}
    out.sizes = sizes.shape


def _wait_only(node: Node) -> None:
    """Leaves of a read that nobody uses, such as the one behind an update, that others may wait for it."""
    if _by_rows(node.inputs[0]):
        node.definition = definition_of("NoOp")
        node.inputs, node.outputs, node.attrs, node.reads = [], [], {}, frozenset()


def _needs_whole(node: Node, handle: Value) -> InvalidArgumentError:
    ref = handle.variable
    name, sizes = (ref.key, list(ref.sizes or ())) if ref is not None else (handle.name, [])
    return InvalidArgumentError(
        None,
        node.origin,
        f"{node.describe()} needs the variable {name!r} of shape {sizes} as a whole, but a variable of that size is kept "
        "by rows: look rows up (tf.nn.embedding_lookup), and train it with an optimizer that updates rows alone (gradient "
        "descent, Adagrad, Ftrl, ...).",
    )


class RowProgram:
    """The expression of an initial value, computed for some rows: constants, random numbers, element-wise operations.

    Raises:
        InvalidArgumentError: it is made of something else.
    """

    def __init__(self, value: Value, sizes: Sequence[int | None]) -> None:
        self.value = value
        self.sizes = tuple(int(s or 0) for s in sizes)
        self._check(value)

    def _check(self, value: Value) -> None:
        node = value.node
        if node.type in ("Const", "Fill") or node.type in RANDOM:
            return
        for inner in node.inputs:
            if _by_rows(inner):
                raise _needs_whole(node, inner)
        if node.type not in _KEEP and (not node.inputs or _expression_of(node) is None):
            raise InvalidArgumentError(
                None,
                node.origin,
                f"A variable of shape {list(self.sizes)} is kept by rows, and {node.describe()} in its initial value "
                "cannot be computed for single rows: use constants, random numbers and element-wise operations.",
            )
        for inner in node.inputs:
            self._check(inner)

    def nodes(self) -> list[Node]:
        """The random operations among what is computed."""
        found, stack = [], [self.value]
        while stack:
            node = stack.pop().node
            if node.type in RANDOM:
                found.append(node)
            elif node.type not in ("Const", "Fill"):
                stack += node.inputs
        return found

    def compute(self, rows: Any, random: Any) -> Any:
        """The values of rows; `random` gives those of a random operation."""
        values = self._compute(self.value, rows, random)
        return np.broadcast_to(values, (len(rows), *self.sizes[1:]))

    def _compute(self, value: Value, rows: Any, random: Any) -> Any:
        node = value.node
        if node.type in RANDOM:
            return random(node, rows).reshape(len(rows), *self.sizes[1:])
        if node.constant is not None:
            return node.constant[rows] if node.constant.shape == self.sizes else node.constant
        if node.type == "Fill":
            return self._compute(node.inputs[1], rows, random)
        inputs = [self._compute(v, rows, random) for v in node.inputs]
        result = inputs[0] if node.type in _KEEP else _expression_of(node).evaluate(*inputs)
        return np.asarray(result, value.dtype.numpy)


def _expression_of(node: Node) -> Any:
    return node.definition.expression(node.inputs[-1].dtype, node.attrs)
