"""MetaGraphDef: a graph with its collections and saver as one message, written and read, as TensorFlow 1.15's tf.train."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from ..errors import PermissionDeniedError
from ..graph import Graph, Operation, Tensor, get_default_graph
from ..importer import import_graph_def
from ..node_reader import PYTHON_OPS
from ..protos import CollectionDef, GraphDef, MetaGraphDef, QueueRunnerDef, SaverDef, VariableDef
from ..registry import find_definition
from ..scopes import GraphKeys
from ..variables import Variable
from .queue_runner import QueueRunner
from .saveable import SaveableObject
from .saver import Saver

_log = logging.getLogger("absl")

Convert = Callable[..., Any]

# By collection: the message of its items, and the functions from items to messages and back.
_converters: dict[str, tuple[Any, Convert, Convert]] = {}

# The file ops that a Saver needs and that may therefore be in a graph that is read.
_SAVER_OPS = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints"})
# What a graph says it was made by: the version whose behaviour this is.
_VERSION = "1.15.0"


def register_proto_function(
    collection_name: str, proto_type: Any = None, to_proto: Convert | None = None, from_proto: Convert | None = None
) -> None:
    """Says how the items of a collection become messages and are made of them again.

    Raises:
        TypeError: a function is missing.
    """
    if not callable(to_proto) or not callable(from_proto):
        raise TypeError(f"to_proto and from_proto of {collection_name} must be callable.")
    _converters[collection_name] = (proto_type, to_proto, from_proto)


for _name in (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.METRIC_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.CONCATENATED_VARIABLES,
    GraphKeys.GLOBAL_STEP,
):
    register_proto_function(_name, VariableDef, Variable.to_proto, Variable.from_proto)
register_proto_function(GraphKeys.WEIGHTS, VariableDef, Variable.to_proto, Variable.from_proto)
register_proto_function(GraphKeys.BIASES, VariableDef, Variable.to_proto, Variable.from_proto)
register_proto_function(GraphKeys.QUEUE_RUNNERS, QueueRunnerDef, QueueRunner.to_proto, QueueRunner.from_proto)
register_proto_function(GraphKeys.SAVERS, SaverDef, Saver.to_proto, Saver.from_proto)


# Writing


def export_meta_graph(
    filename: str | os.PathLike[str] | None = None,
    meta_info_def: Any = None,
    graph_def: GraphDef | None = None,
    saver_def: SaverDef | None = None,
    collection_list: Sequence[str] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> MetaGraphDef:
    """The graph as a MetaGraphDef, written to `filename` if that is given.

    Args:
        filename: the file.
        meta_info_def: a MetaInfoDef to start from.
        graph_def: the graph as a message; made of `graph` if None.
        saver_def: of the saver to go with it.
        collection_list: the collections to take; all if None.
        as_text: write text instead of bytes.
        graph: the graph; the default one if None.
        export_scope: take only what is inside this name scope, whose name is left out.
        clear_devices: leave devices out.
        clear_extraneous_savers: leave out savers of the collection that are not `saver_def`'s.
        strip_default_attrs: accepted.
        save_debug_info: accepted.
        **kwargs: accepted as TensorFlow does.
    """
    del save_debug_info, kwargs
    graph = get_default_graph() if graph is None else graph
    message = MetaGraphDef()
    if meta_info_def is not None:
        message.meta_info_def.MergeFromString(meta_info_def.SerializeToString())
    message.meta_info_def.tensorflow_version = message.meta_info_def.tensorflow_version or _VERSION
    message.meta_info_def.stripped_default_attrs = strip_default_attrs
    message.graph_def.CopyFrom(graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def)
    if export_scope:
        _keep_scope(message.graph_def, export_scope)
    for node in message.graph_def.node if clear_devices else ():
        node.device = ""
    if saver_def is not None:
        message.saver_def.CopyFrom(saver_def)
    kept = saver_def if clear_extraneous_savers else None
    for key in graph.get_all_collection_keys() if collection_list is None else collection_list:
        _add_collection(message, key, graph.get_collection(key), export_scope, kept)
    if filename is not None:
        text = text_format.MessageToString(message).encode() if as_text else message.SerializeToString()
        _write(Path(filename), text)
    return message


def _write(path: Path, data: bytes) -> None:
    from ..checkpoint.files import write_durably

    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, data)


def _keep_scope(graph_def: GraphDef, scope: str) -> None:
    prefix = scope + "/"
    kept = [node for node in graph_def.node if node.name.startswith(prefix)]
    outside = {n.name for n in graph_def.node} - {n.name for n in kept}
    for node in kept:
        node.name = node.name.removeprefix(prefix)
        inputs = [text for text in node.input if not (text.startswith("^") and text[1:] in outside)]
        unbound = next((t for t in inputs if t.lstrip("^").partition(":")[0] in outside), None)
        if unbound is not None:
            raise ValueError(f"Cannot export the scope {scope}: {node.name} has the input {unbound} from outside")
        del node.input[:]
        node.input.extend(("^" if t.startswith("^") else "") + t.lstrip("^").removeprefix(prefix) for t in inputs)
        if "_class" in node.attr:
            groups = [g.replace(b"loc:@" + prefix.encode(), b"loc:@") for g in node.attr["_class"].list.s]
            node.attr["_class"].list.s[:] = groups
    del graph_def.node[:]
    graph_def.node.extend(kept)


def _add_collection(
    message: MetaGraphDef, key: str, items: list[Any], scope: str | None, only_saver: SaverDef | None
) -> None:
    # A SaveableObject is no message; what it does is in the graph that the Saver made.
    items = [item for item in items if not isinstance(item, SaveableObject)]
    if not items:
        return
    collection = CollectionDef()
    try:
        for item in items:
            if key == GraphKeys.SAVERS and only_saver is not None and item.to_proto() != only_saver:
                continue
            _add_item(collection, key, item, scope)
    except (TypeError, ValueError, AttributeError) as error:
        _log.warning("The collection %s is not written with the graph: %s", key, error)
        return
    if collection.WhichOneof("kind") is not None:
        message.collection_def[key].CopyFrom(collection)


def _add_item(collection: CollectionDef, key: str, item: Any, scope: str | None) -> None:
    if isinstance(item, Tensor | Operation):
        prefix = f"{scope}/" if scope else ""
        if item.name.startswith(prefix):
            collection.node_list.value.append(item.name.removeprefix(prefix))
    elif key in _converters:
        proto = _converters[key][1](item, export_scope=scope)
        if proto is not None:
            collection.bytes_list.value.append(proto.SerializeToString())
    elif isinstance(item, str | bytes):
        collection.bytes_list.value.append(item.encode() if isinstance(item, str) else item)
    elif isinstance(item, bool) or not isinstance(item, int | float):
        raise TypeError(f"{item!r} cannot be written")
    elif isinstance(item, int):
        collection.int64_list.value.append(item)
    else:
        collection.float_list.value.append(item)


# Reading


def read_meta_graph_file(filename: str | os.PathLike[str]) -> MetaGraphDef:
    """The message in a file, as bytes or text.

    Raises:
        OSError: there is no such file.
        ValueError: it holds something else.
    """
    try:
        data = Path(filename).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise OSError(f"File {filename} does not exist.") from None
    try:
        return MetaGraphDef.FromString(data)
    except DecodeError:
        pass
    try:
        return text_format.Parse(data.decode(), MetaGraphDef())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"Cannot parse file {filename}: {error}.") from None


def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    allow_io: bool = False,
    **kwargs: Any,
) -> Saver | None:
    """Adds a graph with its collections to the default graph, and gives its saver.

    Args:
        meta_graph_or_file: a MetaGraphDef or the file of one.
        clear_devices: leave devices out.
        import_scope: a name scope around all nodes.
        allow_io: let the graph hold ops that touch files; those of a saver are allowed in any case.
        **kwargs: `input_map`: tensors in the place of the graph's.

    Returns:
        A Saver; None if the graph comes with none and has no variables.
    """
    meta_graph = meta_graph_or_file
    if not isinstance(meta_graph, MetaGraphDef):
        if isinstance(meta_graph, str | os.PathLike):
            meta_graph = read_meta_graph_file(meta_graph)
        else:
            meta_graph = MetaGraphDef.FromString(meta_graph.SerializeToString())
    import_scoped_meta_graph(meta_graph, clear_devices, import_scope=import_scope, allow_io=allow_io, **kwargs)
    if meta_graph.HasField("saver_def"):
        return Saver.from_proto(meta_graph.saver_def, import_scope)
    variables = get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES)
    if not variables:
        _log.info("Saver not created because there are no variables in the graph to restore")
        return None
    return Saver(variables)


def import_scoped_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Graph | None = None,
    import_scope: str | None = None,
    input_map: dict[str, Any] | None = None,
    allow_io: bool = False,
) -> dict[str, Variable]:
    """Adds a MetaGraphDef to a graph; its variables by name, without the scope."""
    meta_graph = meta_graph_or_file
    if isinstance(meta_graph, str | os.PathLike):
        meta_graph = read_meta_graph_file(meta_graph)
    graph = get_default_graph() if graph is None else graph
    graph_def = GraphDef()
    graph_def.CopyFrom(meta_graph.graph_def)
    if not allow_io:
        _check_files(graph_def)
    for node in graph_def.node if clear_devices else ():
        node.device = ""
    scope = import_scope or ""
    with graph.as_default():
        full = graph.unique_name(scope, mark_as_used=False) if scope else ""
        if full != scope:
            raise ValueError(f"The name scope {scope!r} is already in use: choose another import_scope")
        import_graph_def(graph_def, name=scope, input_map=input_map, allow_io=True)
        _import_collections(graph, meta_graph, import_scope)
        variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=f"{scope}/" if scope else None)
    start = len(scope) + 1 if scope else 0
    return {v.op.name[start:]: v for v in variables}


def _check_files(graph_def: GraphDef) -> None:
    """Refuses ops that touch files, but for those of a saver, which run only when the caller saves or restores."""
    bodies = [graph_def.node, *(f.node_def for f in graph_def.library.function)]
    for node in [n for body in bodies for n in body]:
        definition = find_definition(node.op)
        touches_files = definition is not None and definition.touches_files and node.op not in _SAVER_OPS
        if touches_files or node.op in PYTHON_OPS:
            raise PermissionDeniedError(
                None,
                None,
                f"Node {node.name!r} of type {node.op} reads or writes files or runs Python functions: "
                "pass allow_io=True to import it from a source that you trust",
            )


def _import_collections(graph: Graph, meta_graph: MetaGraphDef, scope: str | None) -> None:
    for key in sorted(meta_graph.collection_def):
        collection = meta_graph.collection_def[key]
        kind = collection.WhichOneof("kind")
        if kind == "node_list":
            prefix = f"{scope}/" if scope else ""
            with _naming(key):
                items = [graph.as_graph_element(prefix + name) for name in collection.node_list.value]
        elif kind == "bytes_list" and key in _converters:
            with _naming(key):
                items = [_from_bytes(key, data, scope) for data in collection.bytes_list.value]
        elif kind is None or kind == "any_list":
            _log.warning("The collection %s is not read: it holds %s", key, kind)
            continue
        else:
            items = list(getattr(collection, kind).value)
        for item in items:
            graph.add_to_collection(key, _same(graph, item))


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """Makes errors about the members of a collection ValueErrors that name it."""
    try:
        yield
    except (KeyError, TypeError, DecodeError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise ValueError(f"The collection {key!r} of the MetaGraphDef holds what cannot be read: {text}") from error


def _from_bytes(key: str, data: bytes, scope: str | None) -> Any:
    proto_type, _, from_proto = _converters[key]
    return from_proto(proto_type.FromString(data), import_scope=scope)


def _same(graph: Graph, item: Any) -> Any:
    """The object that the global variables already hold for the same node: variables are in several collections."""
    if not isinstance(item, Variable):
        return item
    for variable in graph.get_collection(GraphKeys.GLOBAL_VARIABLES):
        if isinstance(variable, Variable) and variable.op is item.op:
            return variable
    return item
