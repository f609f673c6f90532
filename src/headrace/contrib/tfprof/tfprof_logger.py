"""The names of TensorFlow 1.15's `tf.contrib.tfprof.tfprof_logger`."""

from ...engine.profiler.op_log import write_op_log

__all__ = [
    "write_op_log",
]  # fmt: skip
