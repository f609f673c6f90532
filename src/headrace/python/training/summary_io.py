"""The names of `tensorflow.python.training.summary_io`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.summary.events import summary_iterator
    from ...engine.summary.writer import FileWriter as SummaryWriter, FileWriterCache as SummaryWriterCache

__all__ = [
    "SummaryWriter", "SummaryWriterCache", "summary_iterator",
]  # fmt: skip

_PLACES: Places = {
    "SummaryWriter": ("...engine.summary.writer", "FileWriter"),
    "SummaryWriterCache": ("...engine.summary.writer", "FileWriterCache"),
    "summary_iterator": ("...engine.summary.events", "summary_iterator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
