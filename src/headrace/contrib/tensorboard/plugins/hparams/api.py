"""`tf.contrib.tensorboard.plugins.hparams.api`: hyperparameters of runs."""

from .....engine.summary.plugins import hparams_pb

__all__ = [
    "hparams_pb",
]  # fmt: skip
