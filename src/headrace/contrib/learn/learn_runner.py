"""The names of TensorFlow 1.15's `tf.contrib.learn.learn_runner`."""

from ...estimators.contrib_experiment import run

__all__ = [
    "run",
]  # fmt: skip
