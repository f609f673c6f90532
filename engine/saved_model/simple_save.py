"""simple_save: a session's model with one signature, as TensorFlow 1.15's tf.saved_model.simple_save."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..lookup import tables_initializer
from ..ops.control import group
from ..scopes import GraphKeys
from ..variable_lists import local_variables_initializer
from . import constants
from .builder import SavedModelBuilder
from .signature_defs import predict_signature_def


def simple_save(
    session: Any,
    export_dir: str | os.PathLike[str],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Writes a SavedModel to be served: tag "serve", signature "serving_default".

    Args:
        session: holds the graph and the values of its variables.
        export_dir: the folder, which must not be there, or be empty.
        inputs, outputs: tensors by name.
        legacy_init_op: run when the model is loaded; by default what initializes local variables and tables.

    Raises:
        AlreadyExistsError: the folder holds something.
    """
    builder = SavedModelBuilder(export_dir)
    with session.graph.as_default():
        signature = predict_signature_def(inputs, outputs)
        init_op = legacy_init_op
        if init_op is None and not session.graph.finalized:
            init_op = group(local_variables_initializer(), tables_initializer())
        assets = session.graph.get_collection(GraphKeys.ASSET_FILEPATHS)
    builder.add_meta_graph_and_variables(
        session,
        [constants.SERVING],
        {constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_collection=assets,
        main_op=init_op,
        clear_devices=True,
    )
    builder.save()
