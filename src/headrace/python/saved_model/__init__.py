"""The modules of `tensorflow.python.saved_model`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import (
        builder,
        builder_impl,
        constants,
        loader,
        loader_impl,
        main_op,
        signature_constants,
        signature_def_utils,
        signature_def_utils_impl,
        simple_save,
        tag_constants,
        utils,
        utils_impl,
    )

__all__ = [
    "builder", "builder_impl", "constants", "loader", "loader_impl", "main_op", "signature_constants",
    "signature_def_utils", "signature_def_utils_impl", "simple_save", "tag_constants", "utils", "utils_impl",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
