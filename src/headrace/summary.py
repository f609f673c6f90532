"""The names of TensorFlow 1.15's `tf.summary`."""

from .engine.ops.summaries import (
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
from .engine.protos import Event, SessionLog, Summary, SummaryDescription, TaggedRunMetadata
from .engine.summary.writer import FileWriter, FileWriterCache

__all__ = [
    "Event", "FileWriter", "FileWriterCache", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata",
    "audio", "get_summary_description", "histogram", "image", "merge", "merge_all", "scalar", "tensor_summary",
    "text",
]  # fmt: skip
