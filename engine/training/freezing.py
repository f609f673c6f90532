"""`tensorflow.python.tools.freeze_graph` and `inspect_checkpoint`: a graph and a checkpoint as one graph of constants."""

from __future__ import annotations

import math
import os
import re
import sys
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from ..attr_values import sizes_of
from ..checkpoint.reader import CheckpointReader, load_checkpoint
from ..dtypes import as_dtype
from ..errors import NotFoundError
from ..graph_util import chosen_variables, extract_sub_graph, with_constants, write_graph
from ..protos import GraphDef, MetaGraphDef, NodeDef
from ..shapes import TensorShape

PathLike: TypeAlias = str | os.PathLike[str]
M = TypeVar("M", bound=Message)


def freeze_graph(
    input_graph: str,
    input_saver: str,
    input_binary: bool,
    input_checkpoint: str,
    output_node_names: str,
    restore_op_name: Any,
    filename_tensor_name: Any,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_blacklist: str = "",
    input_meta_graph: str | None = None,
    input_saved_model_dir: str | None = None,
    saved_model_tags: str = "serve",
    checkpoint_version: int = 2,
) -> GraphDef:
    """The part of a graph that some operations need, with the values of a checkpoint; as TF 1.15's tool of this name.

    Variables are found in the checkpoint by their names: no session runs and nothing of the graph is executed.

    Args:
        input_graph: the file of a GraphDef; or `input_meta_graph`, the file of a MetaGraphDef.
        input_saver: accepted; what it says is not needed.
        input_binary: whether the file is binary, or text.
        input_checkpoint: the prefix of a checkpoint, or a folder.
        output_node_names: names of operations, with commas between them.
        restore_op_name: accepted, as TensorFlow does.
        filename_tensor_name: accepted, as TensorFlow does.
        output_graph: the file that is written (binary), or "" for none.
        clear_devices: leave out where operations were placed.
        initializer_nodes: initializers have no place in a graph of constants: ValueError unless "".
        variable_names_whitelist: only these variables become constants, with commas between them; "" for all.
        variable_names_blacklist: these stay variables.
        input_meta_graph: the file of a MetaGraphDef, in the place of `input_graph`.
        input_saved_model_dir: ValueError if given: `tf.saved_model.load` and `convert_variables_to_constants` do that.
        saved_model_tags: accepted.
        checkpoint_version: accepted: checkpoints tell their version.

    Raises:
        NotFoundError: a file is not there, or a variable is not in the checkpoint.
        ValueError: a file holds no graph, or an operation is not in it; or a variable has another dtype or shape in the
            checkpoint than in the graph.
        TypeError: names or files are no texts.
    """
    if input_saved_model_dir:
        raise ValueError("freeze_graph takes no input_saved_model_dir: load it in a session, and freeze that")
    if not (input_graph or input_meta_graph):
        raise ValueError("freeze_graph needs input_graph or input_meta_graph, the file of a graph")
    graph = _meta_graph(input_meta_graph, input_binary) if input_meta_graph else _graph(input_graph, input_binary)
    return freeze_graph_with_def_protos(
        graph,
        None,
        input_checkpoint,
        output_node_names,
        restore_op_name,
        filename_tensor_name,
        output_graph,
        clear_devices,
        initializer_nodes,
        variable_names_whitelist,
        variable_names_blacklist,
    )


def freeze_graph_with_def_protos(
    input_graph_def: GraphDef,
    input_saver_def: Any,
    input_checkpoint: str,
    output_node_names: str,
    restore_op_name: Any,
    filename_tensor_name: Any,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_blacklist: str = "",
) -> GraphDef:
    """`freeze_graph` of a message, which stays as it is."""
    if initializer_nodes:
        raise ValueError(f"Graphs of constants have no initializers; initializer_nodes={initializer_nodes!r}")
    if not input_checkpoint:
        raise ValueError("freeze_graph needs input_checkpoint, the prefix of a checkpoint")
    outputs = _names(output_node_names or "")
    if not outputs:
        raise ValueError("freeze_graph needs output_node_names")
    missing = set(outputs) - {node.name for node in input_graph_def.node}
    if missing:
        raise ValueError(f"output_node_names {sorted(missing)} are not in the graph")
    graph = extract_sub_graph(input_graph_def, outputs)
    if clear_devices:
        for node in graph.node:
            node.ClearField("device")
    names = chosen_variables(graph, _names(variable_names_whitelist) or None, _names(variable_names_blacklist))
    with load_checkpoint(input_checkpoint) as reader:
        nodes = [node for node in graph.node if node.name in names]
        frozen = with_constants(graph, {node.name: _value(reader, node, input_checkpoint) for node in nodes})
    if output_graph:
        write_graph(frozen, str(Path(output_graph).parent), Path(output_graph).name, as_text=False)
    return frozen


def print_tensors_in_checkpoint_file(
    file_name: str,
    tensor_name: str | None,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Writes names, dtypes, shapes and values of a checkpoint's tensors to stdout; as TF 1.15's `inspect_checkpoint`.

    Raises:
        NotFoundError: there is no such checkpoint or tensor.
        ValueError: `count_exclude_pattern` is no regular expression.
    """
    try:
        excluded = re.compile(count_exclude_pattern) if count_exclude_pattern else None
    except re.error as error:
        raise ValueError(f"count_exclude_pattern {count_exclude_pattern!r} is no pattern: {error}") from None
    with load_checkpoint(file_name) as reader:
        shapes = reader.get_variable_to_shape_map()
        if not (tensor_name or all_tensors or all_tensor_names):
            sys.stdout.write(f"{reader.debug_string().decode()}\n")
        for name in [tensor_name] if tensor_name else sorted(shapes) if all_tensors or all_tensor_names else []:
            dtype = reader.entry(name).dtype.name
            sys.stdout.write(f"tensor: {name} ({dtype}) {shapes[name]}\n")
            if all_tensors or tensor_name:
                sys.stdout.write(f"{reader.get_tensor(name)}\n")
        counted = [s for n, s in shapes.items() if not (excluded and excluded.match(n))]
    total = sum(map(math.prod, counted))
    sys.stdout.write(f"# Total number of params: {total}\n")


def _names(text: str) -> list[str]:
    if not isinstance(text, str):
        raise TypeError(f"Names for freeze_graph are one text with commas between them, such as 'a,b'; got {text!r}")
    return [name.strip() for name in text.split(",") if name.strip()]


def _value(reader: CheckpointReader, node: NodeDef, checkpoint: PathLike) -> Any:
    name = node.name
    if not reader.has_tensor(name):
        raise NotFoundError(None, None, f"The variable {name} of the graph is not in the checkpoint {checkpoint}")
    if not node.attr["dtype"].type:
        raise ValueError(f"The variable {name} of the graph has no dtype")
    entry, dtype = reader.entry(name), as_dtype(int(node.attr["dtype"].type)).base_dtype
    shape = _shape(node)
    if entry.dtype != dtype or not shape.is_compatible_with(entry.shape):
        raise ValueError(
            f"The variable {name} is {dtype.name} of shape {shape} in the graph, and {entry.dtype.name} of shape "
            f"{tuple(entry.shape)} in the checkpoint {checkpoint}"
        )
    return reader.get_tensor(name)


def _shape(node: NodeDef) -> TensorShape:
    # A node that does not say its shape takes any.
    return TensorShape(sizes_of(node.attr["shape"].shape) if "shape" in node.attr else None)


def _graph(path: str, binary: bool) -> GraphDef:
    return _parsed(GraphDef(), path, binary)


def _meta_graph(path: str, binary: bool) -> GraphDef:
    return _parsed(MetaGraphDef(), path, binary).graph_def


def _parsed(message: M, path: str, binary: bool) -> M:
    try:
        content = Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError(None, None, f"Input graph file '{path}' does not exist") from None
    try:
        if binary:
            message.ParseFromString(content)
        else:
            text_format.Parse(content, message)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        kind = "binary" if binary else "text"
        raise ValueError(f"{path} is no {kind} {type(message).__name__}: {error}") from None
    return message
