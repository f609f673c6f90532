"""PR curves."""

from . import summary

__all__ = [
    "summary",
]  # fmt: skip
