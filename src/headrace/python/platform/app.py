"""The names of `tensorflow.python.platform.app`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.app import run

__all__ = [
    "run",
]  # fmt: skip

_PLACES: Places = {
    "run": ("...engine.platform.app", "run"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
