"""The names of TensorFlow 1.15's `tf.contrib.memory_stats`."""

from ..engine.ops.memory_stats import BytesInUse, BytesLimit, MaxBytesInUse

__all__ = [
    "BytesInUse", "BytesLimit", "MaxBytesInUse",
]  # fmt: skip
