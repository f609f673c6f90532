"""`tf.contrib.tensorboard.plugins.hparams.api_pb2`: how a run ended."""

from .....engine.protos import Status

__all__ = [
    "Status",
]  # fmt: skip
