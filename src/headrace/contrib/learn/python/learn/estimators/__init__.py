"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn.estimators`."""

from . import estimator, model_fn

__all__ = [
    "estimator", "model_fn",
]  # fmt: skip
