"""Graphs as TensorFlow's GraphDef messages: nodes, attributes, control inputs, and functions as FunctionDefs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .attr_values import attr_value_of, kind_of, shape_proto
from .dtypes import DType
from .function import FunctionGraph, functions_of
from .graph import Graph, Operation, Tensor
from .protos import FunctionDef, GraphDef, NodeDef, OpDef
from .registry import Op, find_definition

# What TensorFlow 1.15 writes; readers need 12 for functions.
PRODUCER = 134
FUNCTIONS_NEED = 12

InputName = Callable[[Tensor], str]
FunctionNames = dict[FunctionGraph, str]


def node_def_of(op: Operation, add_shapes: bool = False) -> NodeDef:
    """An operation as TensorFlow 1.15 would write it: complete attributes, data inputs, then `^control` inputs."""
    return _node_def(op, _input_name, add_shapes)


def _node_def(
    op: Operation, input_name: InputName, add_shapes: bool = False, names: FunctionNames | None = None
) -> NodeDef:
    node = NodeDef(name=op.name, op=op.type, device=op.device)
    node.input.extend(input_name(t) for t in op.inputs)
    node.input.extend(f"^{name}" for name in sorted({c.name for c in op.control_inputs}))
    _add_attributes(node, op)
    for message, function in zip(_function_messages(node, op), functions_of(op), strict=True):
        message.name = (names or {}).get(function, function.name)
    if add_shapes and op.outputs:
        shapes = node.attr["_output_shapes"].list
        shapes.SetInParent()
        shapes.shape.extend(shape_proto(t.sizes) for t in op.outputs)
    return node


def _input_name(tensor: Tensor) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def _add_attributes(node: NodeDef, op: Operation) -> None:
    definition = find_definition(op.type)
    dtype = op.attrs.get("dtype")
    for name, value in op.attrs.items():
        kind = _declared_kind(definition, name) or kind_of(value)
        if value is None or kind is None:
            continue
        element = dtype if isinstance(dtype, DType) else None
        node.attr[name].CopyFrom(attr_value_of(kind, value, element if kind == "tensor" else None))


def _function_messages(node: NodeDef, op: Operation) -> Iterable[Any]:
    """The places of a node's functions, in the order of `functions_of`."""
    for name, value in op.attrs.items():
        for i, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, FunctionGraph):
                yield node.attr[name].list.func[i] if isinstance(value, list) else node.attr[name].func


def _declared_kind(definition: Op[..., Any] | None, name: str) -> str | None:
    if definition is None:
        return None
    if name in definition.attributes:
        return definition.attributes[name].kind
    return definition.type_attributes.get(name)


def graph_def_of(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> GraphDef:
    """A graph as a GraphDef.

    Args:
        graph: what to write.
        from_version: only the operations made after the graph had this version.
        add_shapes: write the static shapes into the attribute `_output_shapes`.
    """
    operations = graph.operations_since(from_version or 0)
    message = GraphDef()
    taken: set[str] = set()
    names = {f: _unique(f.name, taken) for f in _all_functions(operations)}
    message.node.extend(_node_def(op, _input_name, add_shapes, names) for op in operations)
    message.versions.producer = PRODUCER
    if names:
        message.versions.min_consumer = FUNCTIONS_NEED
        message.library.function.extend(function_def_of(f, names) for f in names)
    return message


def partial_graph_def(operations: Sequence[Operation], given: Mapping[Tensor, str]) -> GraphDef:
    """Some operations of a graph as a graph of their own, for another process to run a part of a step.

    Args:
        operations: each after those that it needs.
        given: names of placeholders for the tensors that come from elsewhere. What `operations` do not hold and no
            placeholder stands for is left out of control inputs.
    """
    message = GraphDef()
    among = {op.name for op in operations}
    taken: set[str] = set()
    functions = {f: _unique(f.name, taken) for f in _all_functions(operations)}
    message.node.extend(_placeholder(tensor, name) for tensor, name in given.items())
    for op in operations:
        node = _node_def(op, lambda t: given.get(t) or _input_name(t), names=functions)
        data = [name for name in node.input if not name.startswith("^") or name[1:] in among]
        del node.input[:]
        node.input.extend(data)
        # Where operations run is settled.
        node.attr.pop("_class", None)
        message.node.append(node)
    message.versions.producer = PRODUCER
    message.library.function.extend(function_def_of(f, functions) for f in functions)
    return message


def _placeholder(tensor: Tensor, name: str) -> NodeDef:
    node = NodeDef(name=name, op="Placeholder", device=tensor.op.device)
    node.attr["dtype"].CopyFrom(attr_value_of("type", tensor.dtype.base_dtype))
    # A value fed for a tensor that is computed otherwise need not have the shape that the graph says.
    node.attr["shape"].shape.CopyFrom(shape_proto(tensor.sizes))
    return node


def _all_functions(operations: Iterable[Operation]) -> list[FunctionGraph]:
    found: dict[FunctionGraph, None] = {}
    stack = [f for op in operations for f in functions_of(op)][::-1]
    while stack:
        function = stack.pop()
        if function not in found:
            found[function] = None
            stack.extend(f for op in function.get_operations() for f in functions_of(op))
    return list(found)


def output_slots(op: Operation) -> list[tuple[str, int]]:
    """The argument name of every output, and its place within that argument."""
    definition = find_definition(op.type)
    if definition is None:
        return [("output", i) for i in range(len(op.outputs))]
    slots: list[tuple[str, int]] = []
    groups = definition.group_outputs(op.outputs, op.attrs)
    for argument, group in zip(definition.outputs, groups, strict=True):
        slots.extend((argument.name, i) for i in range(len(group) if argument.is_list else 1))
    return slots


def function_def_of(function: FunctionGraph, names: FunctionNames | None = None) -> FunctionDef:
    """A function's graph as a FunctionDef: arguments by name, inputs as `node:output:0`."""
    message = FunctionDef()
    message.signature.name = (names or {}).get(function, function.name)
    arguments = _argument_names(function)
    slots: dict[Operation, list[tuple[str, int]]] = {}

    def name_in_body(tensor: Tensor) -> str:
        if tensor in arguments:
            return arguments[tensor]
        if tensor.op not in slots:
            slots[tensor.op] = output_slots(tensor.op)
        name, place = slots[tensor.op][tensor.value_index]
        return f"{tensor.op.name}:{name}:{place}"

    for i, tensor in enumerate(function.inputs):
        message.signature.input_arg.append(_arg_def(arguments[tensor], tensor.dtype))
        message.arg_attr[i].attr["_output_shapes"].list.shape.append(shape_proto(tensor.sizes))
    own = {t.op for t in function.inputs}
    message.node_def.extend(
        _node_def(op, name_in_body, False, names) for op in function.get_operations() if op not in own
    )
    _add_results(message, function, name_in_body)
    return message


def _add_results(message: FunctionDef, function: FunctionGraph, name_in_body: InputName) -> None:
    taken = {a.name for a in message.signature.input_arg}
    for tensor in function.outputs:
        name = _unique(_argument_name(tensor.op.name), taken)
        message.signature.output_arg.append(_arg_def(name, tensor.dtype))
        message.ret[name] = name_in_body(tensor)
    for op in function.control_outputs:
        message.signature.control_output.append(op.name)
        message.control_ret[op.name] = op.name
        message.signature.is_stateful = True


def _arg_def(name: str, dtype: DType) -> OpDef.ArgDef:
    base = dtype.base_dtype
    return OpDef.ArgDef(name=name, type=base.as_datatype_enum, is_ref=dtype._is_ref_dtype)  # type: ignore[arg-type]


def _argument_names(function: FunctionGraph) -> dict[Tensor, str]:
    # An argument and a node of one name could not be told apart.
    taken = {op.name for op in function.get_operations()} - {t.op.name for t in function.inputs}
    return {t: _unique(_argument_name(t.op.name), taken) for t in function.inputs}


def _argument_name(name: str) -> str:
    text = re.sub(r"[^a-z0-9_]", "_", name.lower())
    return text if text[:1].isalpha() else f"arg_{text}"


def _unique(name: str, taken: set[str]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    taken.add(candidate)
    return candidate
