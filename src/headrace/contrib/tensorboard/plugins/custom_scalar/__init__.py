"""Layouts of scalars."""

from . import layout_pb2, summary

__all__ = [
    "layout_pb2", "summary",
]  # fmt: skip
