"""The names of `tensorflow.python.saved_model.signature_def_utils`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.signature_defs import (
        build_signature_def,
        classification_signature_def,
        is_valid_signature,
        predict_signature_def,
        regression_signature_def,
    )

__all__ = [
    "build_signature_def", "classification_signature_def", "is_valid_signature", "predict_signature_def",
    "regression_signature_def",
]  # fmt: skip

_PLACES: Places = {
    "build_signature_def": ("...engine.saved_model.signature_defs", "build_signature_def"),
    "classification_signature_def": ("...engine.saved_model.signature_defs", "classification_signature_def"),
    "is_valid_signature": ("...engine.saved_model.signature_defs", "is_valid_signature"),
    "predict_signature_def": ("...engine.saved_model.signature_defs", "predict_signature_def"),
    "regression_signature_def": ("...engine.saved_model.signature_defs", "regression_signature_def"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
