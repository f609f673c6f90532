"""The names of TensorFlow 1.15's `tf.contrib.training.python.training.hparam`."""

from .....layers.contrib_hparams import HParams

__all__ = [
    "HParams",
]  # fmt: skip
