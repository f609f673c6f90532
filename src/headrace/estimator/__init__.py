"""The names of TensorFlow 1.15's `tf.estimator`."""

from ..engine.training.basic_session_run_hooks import (
    CheckpointSaverHook,
    CheckpointSaverListener,
    FeedFnHook,
    FinalOpsHook,
    GlobalStepWaiterHook,
    LoggingTensorHook,
    NanLossDuringTrainingError,
    NanTensorHook,
    ProfilerHook,
    StepCounterHook,
    StopAtStepHook,
    SummarySaverHook,
)
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from ..engine.training.timer import SecondOrStepTimer
from ..engine.training.warm_starting import VocabInfo
from ..estimators.baseline import BaselineClassifier, BaselineEstimator, BaselineRegressor
from ..estimators.class_heads import BinaryClassHead, MultiClassHead, MultiLabelHead
from ..estimators.combined import DNNLinearCombinedClassifier, DNNLinearCombinedEstimator, DNNLinearCombinedRegressor
from ..estimators.dnn import DNNClassifier, DNNEstimator, DNNRegressor
from ..estimators.estimator import Estimator
from ..estimators.exporters import BestExporter, FinalExporter, LatestExporter
from ..estimators.extenders import add_metrics
from ..estimators.head import Head
from ..estimators.linear import LinearClassifier, LinearEstimator, LinearRegressor
from ..estimators.model_fn import EstimatorSpec, ModeKeys
from ..estimators.multi_head import MultiHead
from ..estimators.parsing_specs import classifier_parse_example_spec, regressor_parse_example_spec
from ..estimators.regression_heads import LogisticRegressionHead, PoissonRegressionHead, RegressionHead
from ..estimators.run_config import RunConfig
from ..estimators.training import EvalSpec, Exporter, TrainSpec, train_and_evaluate
from ..estimators.warm_start import WarmStartSettings
from . import experimental, export, inputs

__all__ = [
    "BaselineClassifier", "BaselineEstimator", "BaselineRegressor", "BestExporter", "BinaryClassHead",
    "CheckpointSaverHook", "CheckpointSaverListener", "DNNClassifier", "DNNEstimator", "DNNLinearCombinedClassifier",
    "DNNLinearCombinedEstimator", "DNNLinearCombinedRegressor", "DNNRegressor", "Estimator", "EstimatorSpec",
    "EvalSpec", "Exporter", "FeedFnHook", "FinalExporter", "FinalOpsHook", "GlobalStepWaiterHook", "Head",
    "LatestExporter", "LinearClassifier", "LinearEstimator", "LinearRegressor", "LoggingTensorHook",
    "LogisticRegressionHead", "ModeKeys", "MultiClassHead", "MultiHead", "MultiLabelHead",
    "NanLossDuringTrainingError", "NanTensorHook", "PoissonRegressionHead", "ProfilerHook", "RegressionHead",
    "RunConfig", "SecondOrStepTimer", "SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues",
    "StepCounterHook", "StopAtStepHook", "SummarySaverHook", "TrainSpec", "VocabInfo", "WarmStartSettings",
    "add_metrics", "classifier_parse_example_spec", "experimental", "export", "inputs",
    "regressor_parse_example_spec", "train_and_evaluate",
]  # fmt: skip
