"""`tf.app`: the program's entry and its flags."""

from . import flags
from .engine.platform.app import run

__all__ = [
    "flags", "run",
]  # fmt: skip
