"""`tensorflow.python.profiler.profiler`: the names of `tf.profiler`."""

from ...engine.profiler.options import ProfileOptionBuilder
from ...engine.profiler.profiler import Profiler, advise, profile

__all__ = [
    "ProfileOptionBuilder", "Profiler", "advise", "profile",
]  # fmt: skip
