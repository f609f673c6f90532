"""The names of `tensorflow.python.summary.writer.writer`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.summary.writer import FileWriter

__all__ = [
    "FileWriter",
]  # fmt: skip

_PLACES: Places = {
    "FileWriter": ("....engine.summary.writer", "FileWriter"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
