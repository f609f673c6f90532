"""`tensorflow.python.client`."""

from . import timeline

__all__ = [
    "timeline",
]  # fmt: skip
