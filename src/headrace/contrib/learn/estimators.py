"""The names of TensorFlow 1.15's `tf.contrib.learn.estimators`."""

from ...estimators.contrib_run_config import RunConfig

__all__ = [
    "RunConfig",
]  # fmt: skip
