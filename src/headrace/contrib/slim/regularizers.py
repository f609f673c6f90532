"""The names of TensorFlow 1.15's `tf.contrib.slim.regularizers`."""

from ...layers.contrib_regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)

__all__ = [
    "apply_regularization", "l1_l2_regularizer", "l1_regularizer", "l2_regularizer", "sum_regularizer",
]  # fmt: skip
