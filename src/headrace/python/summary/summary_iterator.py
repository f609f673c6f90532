"""The names of `tensorflow.python.summary.summary_iterator`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.summary.events import summary_iterator

__all__ = [
    "summary_iterator",
]  # fmt: skip

_PLACES: Places = {
    "summary_iterator": ("...engine.summary.events", "summary_iterator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
