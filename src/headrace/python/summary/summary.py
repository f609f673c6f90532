"""The names of `tensorflow.python.summary.summary`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.summaries import (
        audio,
        get_summary_description,
        histogram,
        image,
        merge,
        merge_all,
        scalar,
        tensor_summary,
        text,
    )
    from ...engine.protos import Event, SessionLog, Summary, SummaryDescription, TaggedRunMetadata
    from ...engine.summary.writer import FileWriter, FileWriterCache

__all__ = [
    "Event", "FileWriter", "FileWriterCache", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata",
    "audio", "get_summary_description", "histogram", "image", "merge", "merge_all", "scalar", "tensor_summary",
    "text",
]  # fmt: skip

_PLACES: Places = {
    "Event": ("...engine.protos", "Event"),
    "FileWriter": ("...engine.summary.writer", "FileWriter"),
    "FileWriterCache": ("...engine.summary.writer", "FileWriterCache"),
    "SessionLog": ("...engine.protos", "SessionLog"),
    "Summary": ("...engine.protos", "Summary"),
    "SummaryDescription": ("...engine.protos", "SummaryDescription"),
    "TaggedRunMetadata": ("...engine.protos", "TaggedRunMetadata"),
    "audio": ("...engine.ops.summaries", "audio"),
    "get_summary_description": ("...engine.ops.summaries", "get_summary_description"),
    "histogram": ("...engine.ops.summaries", "histogram"),
    "image": ("...engine.ops.summaries", "image"),
    "merge": ("...engine.ops.summaries", "merge"),
    "merge_all": ("...engine.ops.summaries", "merge_all"),
    "scalar": ("...engine.ops.summaries", "scalar"),
    "tensor_summary": ("...engine.ops.summaries", "tensor_summary"),
    "text": ("...engine.ops.summaries", "text"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
