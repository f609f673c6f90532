"""The MNIST tutorial: its reader, input_data, and its network, mnist."""

from . import input_data as input_data, mnist as mnist

__all__ = ["input_data", "mnist"]
