"""The names of TensorFlow 1.15's `tf.estimator.export`."""

from ..estimators.export_outputs import ClassificationOutput, ExportOutput, PredictOutput, RegressionOutput
from ..estimators.receivers import (
    ServingInputReceiver,
    TensorServingInputReceiver,
    build_parsing_serving_input_receiver_fn,
    build_raw_serving_input_receiver_fn,
)
from ..estimators.supervised_export import SupervisedInputReceiver

__all__ = [
    "ClassificationOutput", "ExportOutput", "PredictOutput", "RegressionOutput", "ServingInputReceiver",
    "SupervisedInputReceiver", "TensorServingInputReceiver", "build_parsing_serving_input_receiver_fn",
    "build_raw_serving_input_receiver_fn",
]  # fmt: skip
