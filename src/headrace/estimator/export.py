"""The names of TensorFlow 1.15's `tf.estimator.export`."""

from ..estimators.export_outputs import ClassificationOutput, ExportOutput, PredictOutput, RegressionOutput

__all__ = [
    "ClassificationOutput", "ExportOutput", "PredictOutput", "RegressionOutput",
]  # fmt: skip
