"""The names of `tensorflow.python.training.session_manager`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.session_manager import SessionManager

__all__ = [
    "SessionManager",
]  # fmt: skip

_PLACES: Places = {
    "SessionManager": ("...engine.training.session_manager", "SessionManager"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
