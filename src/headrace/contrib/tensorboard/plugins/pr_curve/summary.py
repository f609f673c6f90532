"""`tf.contrib.tensorboard.plugins.pr_curve.summary`: PR curves."""

from .....engine.ops.summary_plugins import pr_curve as op, pr_curve_raw_data_op as raw_data_op
from .....engine.summary.plugins import pr_curve_pb as pb, pr_curve_raw_data_pb as raw_data_pb
from .....layers.metrics.curve_summaries import pr_curve_streaming_op as streaming_op

__all__ = [
    "op", "pb", "raw_data_op", "raw_data_pb", "streaming_op",
]  # fmt: skip
