"""`tf.contrib.tensorboard.plugins.hparams.summary`: how runs start and end."""

from .....engine.summary.plugins import session_end_pb, session_start_pb

__all__ = [
    "session_end_pb", "session_start_pb",
]  # fmt: skip
