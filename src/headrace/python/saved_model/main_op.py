"""The names of `tensorflow.python.saved_model.main_op`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.saved_model.main_op import main_op, main_op_with_restore

__all__ = [
    "main_op", "main_op_with_restore",
]  # fmt: skip

_PLACES: Places = {
    "main_op": ("...engine.saved_model.main_op", "main_op"),
    "main_op_with_restore": ("...engine.saved_model.main_op", "main_op_with_restore"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
