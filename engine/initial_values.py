"""Initial values that depend on other variables: a read becomes "its value if it has one, else its initial value"."""

from __future__ import annotations

from typing import Any

from .graph import Operation, Tensor
from .scopes import GraphKeys, init_scope

_MAKERS = frozenset({"Variable", "VariableV2", "VarHandleOp"})
# Operations that need no value of the variable, or find out themselves whether there is one.
_SAFE = frozenset({"IsVariableInitialized", "VarIsInitializedOp", "If", "StatelessIf", "_Cond", "VariableShape"})


def initialized_value_of(variable: Any) -> Tensor:
    """A tensor with the variable's value if it has one, else its initial value."""
    from .ops.cond import cond  # branches are functions, which are built with variables

    # What the initializer assigns, which itself asks whether the variables that it reads have values.
    initial = variable.initializer.inputs[1]
    with init_scope():
        result: Tensor = cond(variable.is_initialized(), variable.read_value, lambda: initial)
    result.set_shape(variable.shape)
    return result


def safe_initial_value(value: Tensor) -> Tensor:
    """`value`, computed from initialized values of the variables that it reads, so that one step can initialize all."""
    if not _reads_variables(value.op):
        return value
    return _Rebuild(value.graph).tensor(value)


def _reads_variables(op: Operation) -> bool:
    seen: set[Operation] = set()
    stack = [op]
    found = False
    while stack:
        current = stack.pop()
        if current in seen or current.type in _SAFE:
            continue
        seen.add(current)
        if current.type == "NextIteration":
            # A loop cannot be built again from outputs to inputs.
            return False
        found = found or current.type in _MAKERS
        stack.extend(t.op for t in current.inputs)
    return found


class _Rebuild:
    """Copies of the operations between variables and a value."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.made: dict[Tensor, Tensor] = {}
        variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES) + graph.get_collection(GraphKeys.LOCAL_VARIABLES)
        self.variables = {v.op: v for v in variables if hasattr(v, "initial_value")}

    def tensor(self, tensor: Tensor) -> Tensor:
        if tensor not in self.made:
            self.made[tensor] = self._new(tensor)
        return self.made[tensor]

    def _new(self, tensor: Tensor) -> Tensor:
        op = tensor.op
        if op.type in _SAFE:
            return tensor
        source = op.inputs[0].op if op.inputs and op.type in ("Identity", "ReadVariableOp") else op
        if source in self.variables:
            return initialized_value_of(self.variables[source])
        inputs = [self.tensor(t) for t in op.inputs]
        if inputs == list(op.inputs):
            return tensor
        return self._copied(op, inputs).outputs[tensor.value_index]

    def _copied(self, op: Operation, inputs: list[Tensor]) -> Operation:
        dtypes, sizes = [t.dtype for t in op.outputs], [t.sizes for t in op.outputs]
        name = self.graph.unique_name(op.name.replace("/", "_"))
        copy: Operation = self.graph.add_operation(op.type, inputs, dict(op.attrs), dtypes, sizes, name)
        return copy
