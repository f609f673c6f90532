"""The names of TensorFlow 1.15's `tf.contrib.learn`."""

from ...estimators.combined import DNNLinearCombinedClassifier
from ...estimators.contrib_experiment import Experiment
from ...estimators.contrib_learn import (
    BaseEstimator,
    DNNClassifier,
    DNNRegressor,
    Estimator,
    LinearClassifier,
    LinearRegressor,
    ModeKeys,
    ModelFnOps,
    SKCompat,
    infer_real_valued_columns_from_input,
    infer_real_valued_columns_from_input_fn,
)
from ...estimators.contrib_run_config import RunConfig
from . import datasets, estimators, io, learn_runner, monitors, preprocessing, python

__all__ = [
    "BaseEstimator", "DNNClassifier", "DNNLinearCombinedClassifier", "DNNRegressor", "Estimator", "Experiment",
    "LinearClassifier", "LinearRegressor", "ModeKeys", "ModelFnOps", "RunConfig", "SKCompat", "datasets",
    "estimators", "infer_real_valued_columns_from_input", "infer_real_valued_columns_from_input_fn", "io",
    "learn_runner", "monitors", "preprocessing", "python",
]  # fmt: skip
