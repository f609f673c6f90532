"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn.estimators.model_fn`."""

from ......estimators.contrib_learn import ModeKeys, ModelFnOps

__all__ = [
    "ModeKeys", "ModelFnOps",
]  # fmt: skip
