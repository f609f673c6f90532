"""The names of TensorFlow 1.15's `tf.contrib.learn.io`."""

from ...estimators.input_functions import numpy_input_fn, pandas_input_fn

__all__ = [
    "numpy_input_fn", "pandas_input_fn",
]  # fmt: skip
