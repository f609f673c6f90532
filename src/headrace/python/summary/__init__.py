"""The modules of `tensorflow.python.summary`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import summary, summary_iterator, writer

__all__ = [
    "summary", "summary_iterator", "writer",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
