"""The names of TensorFlow 1.15's `tf.estimator`."""

from ..engine.training.session_run_hook import SessionRunHook
from ..estimators.class_heads import BinaryClassHead, MultiClassHead
from ..estimators.dnn import DNNClassifier, DNNRegressor
from ..estimators.estimator import Estimator
from ..estimators.head import Head
from ..estimators.linear import LinearClassifier, LinearRegressor
from ..estimators.model_fn import EstimatorSpec, ModeKeys
from ..estimators.regression_heads import LogisticRegressionHead, PoissonRegressionHead, RegressionHead
from ..estimators.run_config import RunConfig
from ..estimators.training import EvalSpec, Exporter, TrainSpec, train_and_evaluate
from . import inputs

__all__ = [
    "BinaryClassHead", "DNNClassifier", "DNNRegressor", "Estimator", "EstimatorSpec", "EvalSpec", "Exporter", "Head",
    "LinearClassifier", "LinearRegressor", "LogisticRegressionHead", "ModeKeys", "MultiClassHead",
    "PoissonRegressionHead", "RegressionHead", "RunConfig", "SessionRunHook", "TrainSpec", "inputs",
    "train_and_evaluate",
]  # fmt: skip
