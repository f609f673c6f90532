"""The messages of `tensorflow.core.util.event_pb2`: records of event files."""

from ...engine.protos import Event, LogMessage, SessionLog, TaggedRunMetadata

__all__ = [
    "Event", "LogMessage", "SessionLog", "TaggedRunMetadata",
]  # fmt: skip
