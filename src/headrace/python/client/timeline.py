"""`tensorflow.python.client.timeline`: steps as Chrome traces."""

from ...engine.tracing.timeline import Timeline

__all__ = [
    "Timeline",
]  # fmt: skip
