"""The names of TensorFlow 1.15's `tf.keras.estimator`."""

from ..estimators.keras_models import model_to_estimator

__all__ = [
    "model_to_estimator",
]  # fmt: skip
