"""The names of `tensorflow.python.saved_model.signature_constants`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.constants import (
        CLASSIFY_INPUTS,
        CLASSIFY_METHOD_NAME,
        CLASSIFY_OUTPUT_CLASSES,
        CLASSIFY_OUTPUT_SCORES,
        DEFAULT_SERVING_SIGNATURE_DEF_KEY,
        PREDICT_INPUTS,
        PREDICT_METHOD_NAME,
        PREDICT_OUTPUTS,
        REGRESS_INPUTS,
        REGRESS_METHOD_NAME,
        REGRESS_OUTPUTS,
    )

__all__ = [
    "CLASSIFY_INPUTS", "CLASSIFY_METHOD_NAME", "CLASSIFY_OUTPUT_CLASSES", "CLASSIFY_OUTPUT_SCORES",
    "DEFAULT_SERVING_SIGNATURE_DEF_KEY", "PREDICT_INPUTS", "PREDICT_METHOD_NAME", "PREDICT_OUTPUTS", "REGRESS_INPUTS",
    "REGRESS_METHOD_NAME", "REGRESS_OUTPUTS",
]  # fmt: skip

_PLACES: Places = {
    "CLASSIFY_INPUTS": ("...engine.saved_model.constants", "CLASSIFY_INPUTS"),
    "CLASSIFY_METHOD_NAME": ("...engine.saved_model.constants", "CLASSIFY_METHOD_NAME"),
    "CLASSIFY_OUTPUT_CLASSES": ("...engine.saved_model.constants", "CLASSIFY_OUTPUT_CLASSES"),
    "CLASSIFY_OUTPUT_SCORES": ("...engine.saved_model.constants", "CLASSIFY_OUTPUT_SCORES"),
    "DEFAULT_SERVING_SIGNATURE_DEF_KEY": ("...engine.saved_model.constants", "DEFAULT_SERVING_SIGNATURE_DEF_KEY"),
    "PREDICT_INPUTS": ("...engine.saved_model.constants", "PREDICT_INPUTS"),
    "PREDICT_METHOD_NAME": ("...engine.saved_model.constants", "PREDICT_METHOD_NAME"),
    "PREDICT_OUTPUTS": ("...engine.saved_model.constants", "PREDICT_OUTPUTS"),
    "REGRESS_INPUTS": ("...engine.saved_model.constants", "REGRESS_INPUTS"),
    "REGRESS_METHOD_NAME": ("...engine.saved_model.constants", "REGRESS_METHOD_NAME"),
    "REGRESS_OUTPUTS": ("...engine.saved_model.constants", "REGRESS_OUTPUTS"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
