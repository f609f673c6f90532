"""The names of TensorFlow 1.15's `tf.saved_model`."""

from ..engine.saved_model.builder import SavedModelBuilder as Builder
from ..engine.saved_model.constants import (
    ASSETS_DIRECTORY,
    ASSETS_KEY,
    CLASSIFY_INPUTS,
    CLASSIFY_METHOD_NAME,
    CLASSIFY_OUTPUT_CLASSES,
    CLASSIFY_OUTPUT_SCORES,
    DEBUG_DIRECTORY,
    DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    EVAL,
    GPU,
    LEGACY_INIT_OP_KEY,
    MAIN_OP_KEY,
    PREDICT_INPUTS,
    PREDICT_METHOD_NAME,
    PREDICT_OUTPUTS,
    REGRESS_INPUTS,
    REGRESS_METHOD_NAME,
    REGRESS_OUTPUTS,
    SAVED_MODEL_FILENAME_PB,
    SAVED_MODEL_FILENAME_PBTXT,
    SAVED_MODEL_SCHEMA_VERSION,
    SERVING,
    TPU,
    TRAINING,
    VARIABLES_DIRECTORY,
    VARIABLES_FILENAME,
)
from ..engine.saved_model.loader import (
    load,
    maybe_saved_model_directory,
    maybe_saved_model_directory as contains_saved_model,
)
from ..engine.saved_model.main_op import main_op_with_restore
from ..engine.saved_model.simple_save import simple_save
from . import builder, constants, loader, main_op, signature_constants, tag_constants

__all__ = [
    "ASSETS_DIRECTORY", "ASSETS_KEY", "CLASSIFY_INPUTS", "CLASSIFY_METHOD_NAME", "CLASSIFY_OUTPUT_CLASSES",
    "CLASSIFY_OUTPUT_SCORES", "DEBUG_DIRECTORY", "DEFAULT_SERVING_SIGNATURE_DEF_KEY", "EVAL", "GPU",
    "LEGACY_INIT_OP_KEY", "MAIN_OP_KEY", "PREDICT_INPUTS", "PREDICT_METHOD_NAME", "PREDICT_OUTPUTS", "REGRESS_INPUTS",
    "REGRESS_METHOD_NAME", "REGRESS_OUTPUTS", "SAVED_MODEL_FILENAME_PB", "SAVED_MODEL_FILENAME_PBTXT",
    "SAVED_MODEL_SCHEMA_VERSION", "SERVING", "TPU", "TRAINING", "VARIABLES_DIRECTORY", "VARIABLES_FILENAME",
    "Builder", "builder", "constants", "contains_saved_model", "load", "loader", "main_op", "main_op_with_restore",
    "maybe_saved_model_directory", "signature_constants", "simple_save", "tag_constants",
]  # fmt: skip
