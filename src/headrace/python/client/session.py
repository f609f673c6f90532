"""The names of `tensorflow.python.client.session`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.session import BaseSession, InteractiveSession, Session

__all__ = [
    "BaseSession", "InteractiveSession", "Session",
]  # fmt: skip

_PLACES: Places = {
    "BaseSession": ("...engine.session", "BaseSession"),
    "InteractiveSession": ("...engine.session", "InteractiveSession"),
    "Session": ("...engine.session", "Session"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
