"""The names of `tensorflow.python.summary.writer.writer_cache`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.summary.writer import FileWriter, FileWriterCache

__all__ = [
    "FileWriter", "FileWriterCache",
]  # fmt: skip

_PLACES: Places = {
    "FileWriter": ("....engine.summary.writer", "FileWriter"),
    "FileWriterCache": ("....engine.summary.writer", "FileWriterCache"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
