"""SavedModelBuilder: writes graphs with signatures, one checkpoint and the files that the graphs read into a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from ..checkpoint.files import write_durably
from ..errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from ..graph import Tensor, get_default_graph
from ..protos import MetaGraphDef, SavedModel, SignatureDef
from ..static import constant_value
from ..training.saver import Saver
from . import constants
from .signature_defs import build_tensor_info


class SavedModelBuilder:
    """Collects what a SavedModel holds and writes it, as TensorFlow 1.15's `tf.saved_model.builder.SavedModelBuilder`.

    `saved_model.pb` is TensorFlow's; the variables lie in this library's own checkpoint below `variables/`.

    Args:
        export_dir: the folder, which must not be there, or be empty.

    Raises:
        AlreadyExistsError: the folder holds something.

    Example:
        >>> import headrace as tf, tempfile
        >>> folder = tempfile.mkdtemp() + "/model"
        >>> with tf.Graph().as_default(), tf.Session() as session:
        ...     x = tf.placeholder(tf.float32, [], name="x")
        ...     y = tf.identity(x * tf.get_variable("w", initializer=3.0), name="y")
        ...     session.run(tf.global_variables_initializer())
        ...     builder = tf.saved_model.builder.SavedModelBuilder(folder)
        ...     builder.add_meta_graph_and_variables(session, [tf.saved_model.tag_constants.SERVING])
        ...     _ = builder.save()
        >>> with tf.Session(graph=tf.Graph()) as session:
        ...     _ = tf.saved_model.loader.load(session, [tf.saved_model.tag_constants.SERVING], folder)
        ...     float(session.run("y:0", {"x:0": 2.0}))
        6.0
    """

    def __init__(self, export_dir: str | os.PathLike[str]) -> None:
        self._folder = Path(export_dir)
        if self._folder.is_dir() and any(self._folder.iterdir()):
            text = f"Export directory {export_dir} already exists, and isn't empty. Choose another, or empty it."
            raise AlreadyExistsError(None, None, text)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._model = SavedModel(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
        self._has_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Sequence[str],
        signature_def_map: Mapping[str, SignatureDef] | None = None,
        assets_collection: Sequence[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
        assets_list: Sequence[Any] | None = None,
    ) -> None:
        """Adds the default graph, and writes the values that its variables have in a session.

        Args:
            sess: the session.
            tags: by which the graph is found when it is loaded.
            signature_def_map: signatures by key.
            assets_collection: string tensors of paths of files that the graph reads; the files are copied.
            legacy_init_op, main_op: run when the model is loaded, after the variables have their values.
            clear_devices: leave devices out.
            strip_default_attrs: leave attributes with their defaults out.
            saver: saves and restores; a new one by default.
            assets_list: another name of assets_collection.

        Raises:
            FailedPreconditionError: the variables were written already.
            ValueError: a signature or an asset is wrong, or there are two init ops.
        """
        if self._has_variables:
            raise FailedPreconditionError(
                None, None, "Graph state including variables and assets has already been saved. Use add_meta_graph()."
            )
        with sess.graph.as_default():
            chosen = saver or Saver(sharded=True, allow_empty=True)
            self._add(tags, signature_def_map, assets_collection or assets_list, main_op or legacy_init_op, chosen,
                      clear_devices, strip_default_attrs)  # fmt: skip
            folder = self._folder / constants.VARIABLES_DIRECTORY
            folder.mkdir(exist_ok=True)
            chosen.save(sess, folder / constants.VARIABLES_FILENAME, write_meta_graph=False, write_state=False)
        self._has_variables = True

    def add_meta_graph(
        self,
        tags: Sequence[str],
        signature_def_map: Mapping[str, SignatureDef] | None = None,
        assets_collection: Sequence[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
        assets_list: Sequence[Any] | None = None,
    ) -> None:
        """Adds the default graph, whose variables are those written before; arguments as there.

        Raises:
            FailedPreconditionError: no variables were written yet.
        """
        if not self._has_variables:
            raise FailedPreconditionError(
                None, None, "Graph state including variables and assets has not been saved yet. "
                "Please invoke `add_meta_graph_and_variables()` first.",
            )  # fmt: skip
        chosen = saver or Saver(sharded=True, allow_empty=True)
        self._add(tags, signature_def_map, assets_collection or assets_list, main_op or legacy_init_op, chosen,
                  clear_devices, strip_default_attrs)  # fmt: skip

    def _add(
        self, tags: Any, signatures: Any, assets: Any, init_op: Any, saver: Saver, clear: bool, strip: bool
    ) -> None:
        for key, signature in (signatures or {}).items():
            _check_signature(key, signature)
        graph = get_default_graph()
        files = [(tensor, _path_of(tensor)) for tensor in assets or ()]
        with _collection(graph, constants.MAIN_OP_KEY, init_op):
            message = saver.export_meta_graph(clear_devices=clear, strip_default_attrs=strip)
        message.meta_info_def.tags.extend([tags] if isinstance(tags, str) else tags)
        for key, signature in (signatures or {}).items():
            message.signature_def[key].CopyFrom(signature)
        for tensor, path in files:
            self._add_asset(message, tensor, path)
        self._model.meta_graphs.append(message)

    def _add_asset(self, message: MetaGraphDef, tensor: Tensor, path: Path) -> None:
        folder = self._folder / constants.ASSETS_DIRECTORY
        folder.mkdir(exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists() and target.read_bytes() != path.read_bytes():
            target = folder / f"{path.stem}_{number}{path.suffix}"
            number += 1
        if not target.exists():
            shutil.copyfile(path, target)
        message.asset_file_def.add(tensor_info=build_tensor_info(tensor), filename=target.name)

    def save(self, as_text: bool = False) -> bytes:
        """Writes `saved_model.pb`, or `saved_model.pbtxt`; its path."""
        if as_text:
            path, data = constants.SAVED_MODEL_FILENAME_PBTXT, text_format.MessageToString(self._model).encode()
        else:
            path, data = constants.SAVED_MODEL_FILENAME_PB, self._model.SerializeToString(deterministic=True)
        write_durably(self._folder / path, data)
        return os.fsencode(self._folder / path)


class _collection:
    """A collection that holds one item for a while."""

    def __init__(self, graph: Any, key: str, item: Any) -> None:
        self._items, self._item = graph.get_collection_ref(key), item

    def __enter__(self) -> None:
        self._before = list(self._items)
        if self._item is not None:
            self._items[:] = [getattr(self._item, "op", self._item)]

    def __exit__(self, *error: object) -> None:
        self._items[:] = self._before


def _check_signature(key: str, signature: Any) -> None:
    if not isinstance(signature, SignatureDef):
        raise ValueError(f"The signature {key!r} must be a SignatureDef, got {type(signature).__name__}")
    for infos in (signature.inputs, signature.outputs):
        for name, info in infos.items():
            if info.WhichOneof("encoding") is None or not info.dtype:
                raise ValueError(f"The signature {key!r} names no tensor, or no dtype, for {name!r}: {info}")


def _path_of(tensor: Any) -> Path:
    value = constant_value(tensor) if isinstance(tensor, Tensor) else None
    if value is None or value.shape != ():
        raise ValueError(f"An asset must be a constant string tensor with a file's path, got {tensor!r}")
    path = Path(os.fsdecode(value.item()))
    if not path.is_file():
        raise NotFoundError(None, None, f"The asset {path} is no file")
    return path
