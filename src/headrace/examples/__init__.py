"""Modules that programs of TensorFlow 1 import from its examples."""

from . import tutorials as tutorials
