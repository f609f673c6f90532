"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn.estimators.estimator`."""

from ......estimators.contrib_learn import SKCompat

__all__ = [
    "SKCompat",
]  # fmt: skip
