"""The names of TensorFlow 1.15's `tf.contrib.predictor`."""

from ..estimators.predictor import from_estimator, from_saved_model

__all__ = [
    "from_estimator", "from_saved_model",
]  # fmt: skip
