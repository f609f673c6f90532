"""`tensorflow.python.profiler`."""

from . import profiler

__all__ = [
    "profiler",
]  # fmt: skip
