"""Tools on GraphDefs: freezing variables, cutting out what some outputs need, writing graphs to files (`tf.graph_util`)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from .attr_values import attr_value_of
from .dtypes import as_dtype, int32, string
from .graph import Graph, Operation
from .protos import GraphDef, NodeDef
from .shapes import TensorShape

_VARIABLES = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "ReadVariableOp")
_MAKERS = ("Variable", "VariableV2", "VarHandleOp")
_DYNAMIC_STITCHES = ("DynamicStitch", "ParallelDynamicStitch")


def must_run_on_cpu(node: Operation | NodeDef, pin_variables_on_cpu: bool = False) -> bool:
    """Whether TensorFlow 1.15 would keep an operation on the CPU: variables if asked for, int32 and string constants."""
    message: NodeDef = node.node_def if isinstance(node, Operation) else node
    if pin_variables_on_cpu and message.op in _VARIABLES:
        return True
    if message.op == "Const":
        return message.attr["dtype"].type in (string.as_datatype_enum, int32.as_datatype_enum)
    if message.op in _DYNAMIC_STITCHES:
        return message.attr["T"].type == int32.as_datatype_enum
    return message.op == "Cast" and message.attr["SrcT"].type == int32.as_datatype_enum


def tensor_shape_from_node_def_name(graph: Graph, input_name: str) -> TensorShape:
    """The static shape of the tensor that an input of a NodeDef names."""
    return graph.get_tensor_by_name(input_name if ":" in input_name else f"{input_name}:0").shape


def node_name(text: str) -> str:
    """The node that an input such as `^a` or `a:1` names."""
    return text.removeprefix("^").split(":")[0]


def extract_sub_graph(graph_def: GraphDef, dest_nodes: Sequence[str]) -> GraphDef:
    """The nodes of `graph_def` that `dest_nodes` need, in their order.

    Raises:
        TypeError: `graph_def` is no GraphDef, `dest_nodes` a string.
        AssertionError: a name is not in the graph, as in TensorFlow 1.15.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    nodes = {n.name: n for n in graph_def.node}
    needed = _needed(nodes, dest_nodes)
    result = GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(n for n in graph_def.node if n.name in needed)
    return result


def _needed(nodes: dict[str, NodeDef], ends: Iterable[str]) -> set[str]:
    found: set[str] = set()
    stack = list(ends)
    for name in stack:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    while stack:
        name = stack.pop()
        if name not in found and name in nodes:
            found.add(name)
            stack.extend(node_name(text) for text in nodes[name].input)
    return found


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: GraphDef,
    output_node_names: Sequence[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> GraphDef:
    """The part of a graph that `output_node_names` need, with the values that variables have in `sess` as constants.

    Args:
        sess: a session in which the variables have values.
        input_graph_def: usually `sess.graph.as_graph_def()`.
        output_node_names: names of operations.
        variable_names_whitelist: only these variables become constants (all by default).
        variable_names_blacklist: these stay variables.

    Raises:
        FailedPreconditionError: a variable has no value.
    """
    graph = extract_sub_graph(input_graph_def, output_node_names)
    names = chosen_variables(graph, variable_names_whitelist, variable_names_blacklist)
    return with_constants(graph, _values(sess, graph, names))


def chosen_variables(
    graph: GraphDef, whitelist: Iterable[str] | None = None, blacklist: Iterable[str] | None = None
) -> list[str]:
    """The names of the variables of a graph: of these only (all by default), without those."""
    for given in (whitelist, blacklist):
        if isinstance(given, str):
            raise TypeError(f"Names of variables are a list, got {given!r}")
    names = [n.name for n in graph.node if n.op in _MAKERS]
    wanted = set(names if whitelist is None else whitelist) - set(blacklist or ())
    return [name for name in names if name in wanted]


def with_constants(graph: GraphDef, values: Mapping[str, Any]) -> GraphDef:
    """The graph with constants in the place of the variables that have values here."""
    result = GraphDef(versions=graph.versions, library=graph.library)
    frozen_reads = _reads(graph, set(values))
    for node in graph.node:
        _add_frozen(result, node, values, frozen_reads)
    return result


def _reads(graph: GraphDef, frozen: set[str]) -> set[str]:
    """The names of nodes that give a frozen handle, which is a tensor now."""
    found = set(frozen)
    for node in graph.node:
        if node.op in ("Identity", "Enter") and node.input and node_name(node.input[0]) in found:
            found.add(node.name)
    return found


def _values(sess: Any, graph: GraphDef, names: list[str]) -> dict[str, Any]:
    handles = {n.name for n in graph.node if n.op == "VarHandleOp"}
    fetches: dict[str, Any] = {}
    for name in names:
        tensor = sess.graph.get_tensor_by_name(f"{name}:0")
        fetches[name] = _read(sess.graph, tensor) if name in handles else tensor
    return dict(sess.run(fetches)) if fetches else {}


def _read(graph: Graph, handle: Any) -> Any:
    for op in handle.consumers():
        if op.type == "ReadVariableOp":
            return op.outputs[0]
    return graph.create_op("ReadVariableOp", [handle], attrs={"dtype": handle.op.attrs["dtype"]}).outputs[0]


def _add_frozen(result: GraphDef, node: NodeDef, values: Mapping[str, Any], frozen: set[str]) -> None:
    new = result.node.add()
    source = node_name(node.input[0]) if node.input else ""
    if node.name in values:
        dtype = as_dtype(int(node.attr["dtype"].type)).base_dtype
        new.name, new.op = node.name, "Const"
        new.attr["dtype"].CopyFrom(node.attr["dtype"])
        new.attr["value"].CopyFrom(attr_value_of("tensor", values[node.name], dtype))
    elif node.op == "ReadVariableOp" and source in frozen:
        new.name, new.op = node.name, "Identity"
        new.input.extend(node.input)
        new.attr["T"].CopyFrom(node.attr["dtype"])
    elif node.op == "ResourceGather" and source in frozen:
        _add_gather(result, new, node)
    else:
        new.CopyFrom(node)
        if node.op in ("Identity", "Enter") and source in frozen and "dtype" not in node.attr:
            _retype(new, result)


def _retype(new: NodeDef, result: GraphDef) -> None:
    # A handle that went through an identity is the value itself now.
    source = next(n for n in result.node if n.name == node_name(new.input[0]))
    new.attr["T"].CopyFrom(source.attr["dtype" if source.op == "Const" else "T"])


def _add_gather(result: GraphDef, new: NodeDef, node: NodeDef) -> None:
    axis = attr_value_of("tensor", 0, int32)
    new.name, new.op = f"{node.name}/axis", "Const"
    new.attr["dtype"].type = int32.as_datatype_enum  # type: ignore[assignment]
    new.attr["value"].CopyFrom(axis)
    gather = result.node.add(name=node.name, op="GatherV2")
    gather.input.extend([node.input[0], node.input[1], new.name, *node.input[2:]])
    gather.attr["Tparams"].CopyFrom(node.attr["dtype"])
    gather.attr["Tindices"].CopyFrom(node.attr["Tindices"])
    gather.attr["Taxis"].type = int32.as_datatype_enum  # type: ignore[assignment]
    gather.attr["batch_dims"].CopyFrom(attr_value_of("int", node.attr["batch_dims"].i))


def remove_training_nodes(input_graph: GraphDef, protected_nodes: Iterable[str] | None = None) -> GraphDef:
    """The graph without CheckNumerics and without Identity nodes that nothing needs to have: as for inference."""
    protected = set(protected_nodes or ())
    nodes = [n for n in input_graph.node if n.op != "CheckNumerics" or n.name in protected]
    checked = {n.name: n.input[0] for n in input_graph.node if n.op == "CheckNumerics" and n.name not in protected}
    waited_for = {node_name(t) for n in nodes for t in n.input if t.startswith("^")}
    spliced = dict(checked)
    for node in nodes:
        controlled = any(text.startswith("^") for text in node.input)
        if node.op == "Identity" and not controlled and node.name not in protected | waited_for:
            spliced[node.name] = node.input[0]
    result = GraphDef(versions=input_graph.versions, library=input_graph.library)
    for node in nodes:
        if node.name not in spliced:
            new = result.node.add()
            new.CopyFrom(node)
            new.input[:] = [_source(text, spliced) for text in node.input]
    return result


def _source(text: str, spliced: dict[str, str]) -> str:
    seen = set()
    while text.removesuffix(":0") in spliced and text not in seen:
        seen.add(text)
        text = spliced[text.removesuffix(":0")]
    return text


def write_graph(graph_or_graph_def: Graph | GraphDef, logdir: str, name: str, as_text: bool = True) -> str:
    """Writes a graph to `logdir/name`, as text or bytes, whole or not at all; returns the path.

    As TensorFlow 1.15's `tf.io.write_graph` and `tf.train.write_graph`.
    """
    message = graph_or_graph_def.as_graph_def() if isinstance(graph_or_graph_def, Graph) else graph_or_graph_def
    content = (
        text_format.MessageToString(message).encode() if as_text else message.SerializeToString(deterministic=True)
    )
    folder = Path(logdir)
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return str(folder / name)
