"""Hyperparameters of runs."""

from . import api, api_pb2, summary

__all__ = [
    "api", "api_pb2", "summary",
]  # fmt: skip
