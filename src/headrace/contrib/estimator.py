"""The names of TensorFlow 1.15's `tf.contrib.estimator`."""

from ..estimators.baseline import BaselineEstimator
from ..estimators.combined import DNNLinearCombinedEstimator
from ..estimators.dnn import DNNEstimator
from ..estimators.linear import LinearEstimator

__all__ = [
    "BaselineEstimator", "DNNEstimator", "DNNLinearCombinedEstimator", "LinearEstimator",
]  # fmt: skip
