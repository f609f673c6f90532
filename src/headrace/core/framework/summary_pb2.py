"""The messages of `tensorflow.core.framework.summary_pb2`: summaries."""

from ...engine.protos import HistogramProto, Summary, SummaryDescription, SummaryMetadata

__all__ = [
    "HistogramProto", "Summary", "SummaryDescription", "SummaryMetadata",
]  # fmt: skip
