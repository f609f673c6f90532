"""The MNIST tutorial: its reader, input_data."""

from . import input_data as input_data

__all__ = ["input_data"]
