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
from .engine.ops.summary_plugins import custom_scalar, pr_curve, pr_curve_raw_data_op
from .engine.protos import Event, SessionLog, Summary, SummaryDescription, TaggedRunMetadata
from .engine.summary.plugins import custom_scalar_pb, pr_curve_pb, pr_curve_raw_data_pb
from .engine.summary.writer import FileWriter, FileWriterCache
from .layers.metrics.curve_summaries import pr_curve_streaming_op

__all__ = [
    "Event", "FileWriter", "FileWriterCache", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata",
    "audio", "custom_scalar", "custom_scalar_pb", "get_summary_description", "histogram", "image", "merge",
    "merge_all", "pr_curve", "pr_curve_pb", "pr_curve_raw_data_op", "pr_curve_raw_data_pb", "pr_curve_streaming_op",
    "scalar", "tensor_summary", "text",
]  # fmt: skip
