"""Loading of SavedModels into sessions. Nothing that is loaded runs code, and no file outside of the model is touched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from ..errors import PermissionDeniedError
from ..graph_util import node_name
from ..protos import AssetFileDef, GraphDef, MetaGraphDef, NodeDef, SavedModel
from ..tensor_proto import make_tensor_proto
from ..training.meta_graph import _check_files, import_meta_graph
from . import constants

_TABLE_FILES = ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2")
_SAVER_OPS = ("SaveV2", "RestoreV2", "MergeV2Checkpoints")


def maybe_saved_model_directory(export_dir: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a SavedModel."""
    folder = Path(os.fsdecode(export_dir))
    names = (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT)
    return any((folder / name).is_file() for name in names)


def read_saved_model(export_dir: str | os.PathLike[str]) -> SavedModel:
    """The message of a SavedModel.

    Raises:
        OSError: the folder holds none, or one that is damaged.
    """
    folder = Path(os.fsdecode(export_dir))
    binary, text = folder / constants.SAVED_MODEL_FILENAME_PB, folder / constants.SAVED_MODEL_FILENAME_PBTXT
    try:
        if binary.is_file():
            return SavedModel.FromString(binary.read_bytes())
        if text.is_file():
            return text_format.Parse(text.read_bytes().decode(), SavedModel())
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse the SavedModel in {export_dir}: {error}") from None
    raise OSError(f"SavedModel file does not exist at: {export_dir}/{{{binary.name}|{text.name}}}")


def meta_graph_of(model: SavedModel, tags: str | Sequence[str]) -> MetaGraphDef:
    """The graph with just these tags.

    Raises:
        RuntimeError: there is none; the text names the tags there are.
    """
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for graph in model.meta_graphs:
        if set(graph.meta_info_def.tags) == wanted:
            found = MetaGraphDef()
            found.CopyFrom(graph)
            return found
    known = [sorted(graph.meta_info_def.tags) for graph in model.meta_graphs]
    raise RuntimeError(
        f"MetaGraphDef associated with tags {sorted(wanted)} could not be found in SavedModel, with available tags "
        f"{known}."
    )


def load(
    sess: Any,
    tags: str | Sequence[str],
    export_dir: str | os.PathLike[str],
    import_scope: str | None = None,
    allow_io: bool = False,
    **saver_kwargs: Any,
) -> MetaGraphDef:
    """Adds a SavedModel's graph to a session's graph, and gives its variables and tables their values.

    As TensorFlow 1.15's `tf.saved_model.loader.load`.

    Args:
        sess: the session.
        tags: of the graph.
        export_dir: the folder.
        import_scope: a name scope around all nodes.
        allow_io: let the graph hold any ops that touch files or run Python functions. Without it tables may read the
            model's own assets, a model from anywhere is safe to load, and its signatures are safe to run.
        **saver_kwargs: `input_map`, see `tf.train.import_meta_graph`.

    Returns:
        The MetaGraphDef, whose `signature_def` says what can be fed and fetched.

    Raises:
        OSError: there is no SavedModel in the folder.
        RuntimeError: it has no graph with these tags.
        PermissionDeniedError: an op needs `allow_io`.

    Example: see `tf.saved_model.builder.SavedModelBuilder`.
    """
    folder = Path(os.fsdecode(export_dir))
    message = meta_graph_of(read_saved_model(folder), tags)
    assets = _use_assets(message, folder)
    if not allow_io:
        _check(message, assets)
    graph = MetaGraphDef()
    graph.CopyFrom(message)
    # The files are the model's affair, not the graph's.
    graph.collection_def.pop(constants.ASSETS_KEY, None)
    with sess.graph.as_default():
        saver = import_meta_graph(graph, import_scope=import_scope, allow_io=True, **saver_kwargs)
        if saver is not None and message.HasField("saver_def"):
            saver.restore(sess, str(folder / constants.VARIABLES_DIRECTORY / constants.VARIABLES_FILENAME))
        init_op = _init_op_name(message)
        if init_op is not None:
            sess.run(sess.graph.as_graph_element(f"{import_scope}/{init_op}" if import_scope else init_op))
    return message


def _init_op_name(message: MetaGraphDef) -> str | None:
    signature = message.signature_def.get(constants.INIT_OP_SIGNATURE_KEY)
    if signature is not None and signature.outputs:
        return next(iter(signature.outputs.values())).name
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in message.collection_def:
            names = message.collection_def[key].node_list.value
            if len(names) != 1:
                raise RuntimeError(f"Expected exactly one SavedModel init op. Found: {list(names)}")
            return str(names[0])
    return None


def assets_of(message: MetaGraphDef) -> list[AssetFileDef]:
    """The files of a graph, which TensorFlow's builders note in one of two places."""
    found = list(message.asset_file_def)
    if constants.ASSETS_KEY in message.collection_def:
        packed = message.collection_def[constants.ASSETS_KEY].any_list.value
        found += [AssetFileDef.FromString(item.value) for item in packed]
    return list({(asset.tensor_info.name, asset.filename): asset for asset in found}.values())


def _use_assets(message: MetaGraphDef, folder: Path) -> set[str]:
    """Makes the constants that name assets name the files in the model's folder; the names of these constants."""
    nodes, found = {node.name: node for node in message.graph_def.node}, set()
    for asset in assets_of(message):
        name = node_name(asset.tensor_info.name)
        if Path(asset.filename).name != asset.filename or asset.filename in ("", ".", ".."):
            raise PermissionDeniedError(None, None, f"The asset {asset.filename!r} is no file in the model's folder")
        if name not in nodes or nodes[name].op != "Const":
            raise PermissionDeniedError(None, None, f"The asset {asset.filename!r} belongs to no constant: {name!r}")
        path = folder / constants.ASSETS_DIRECTORY / asset.filename
        nodes[name].attr["value"].tensor.CopyFrom(make_tensor_proto(os.fsencode(path)))
        found.add(name)
    return found


def _check(message: MetaGraphDef, assets: set[str]) -> None:
    """Refuses what touches files: all but tables of assets, and a saver that only saving and restoring can reach."""
    rest = GraphDef()
    rest.CopyFrom(message.graph_def)
    kept = [n for n in rest.node if not (n.op in _TABLE_FILES and node_name(n.input[1]) in assets)]
    del rest.node[:]
    rest.node.extend(kept)
    _check_files(rest)
    if any(node.op in _SAVER_OPS for function in rest.library.function for node in function.node_def):
        raise PermissionDeniedError(None, None, "A function of the model saves or restores: pass allow_io=True")
    _check_saver(message)


def _check_saver(message: MetaGraphDef) -> None:
    nodes = {node.name: node for node in message.graph_def.node}
    ends = [
        info.name
        for signature in message.signature_def.values()
        for info in [*signature.outputs.values(), *signature.inputs.values()]
        if info.name
    ]
    init_op = _init_op_name(message)
    for node in _needed(nodes, [*ends, *([] if init_op is None else [init_op])]):
        if node.op in _SAVER_OPS:
            _refuse(node, "is reached by a signature or the init op")
    if not message.HasField("saver_def"):
        return
    fed = node_name(message.saver_def.filename_tensor_name)
    for node in _needed(nodes, [message.saver_def.restore_op_name]):
        if node.op in _SAVER_OPS and (node.op != "RestoreV2" or node_name(node.input[0]) != fed):
            _refuse(node, "is reached by restoring, and is no reading of the model's variables")


def _refuse(node: NodeDef, why: str) -> None:
    text = f"Node {node.name!r} of type {node.op} {why}: pass allow_io=True to load a model that you trust"
    raise PermissionDeniedError(None, None, text)


def _needed(nodes: dict[str, NodeDef], ends: Iterable[str]) -> list[NodeDef]:
    """The nodes that these need, themselves among them."""
    waiting, seen = [node_name(end) for end in ends], dict[str, NodeDef]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen[name] = nodes[name]
        waiting.extend(node_name(text) for text in nodes[name].input)
    return list(seen.values())
