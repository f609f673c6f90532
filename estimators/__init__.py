"""Estimator, heads, feature columns, canned estimators, run config, train_and_evaluate."""

if __name__ != "headrace.estimators":
    raise ImportError(
        "this folder is the package headrace.estimators, not a package of its own: "
        "install headrace and import headrace.estimators"
    )

from .columns import numeric_column as numeric_column
from .dnn import DNNClassifier as DNNClassifier
from .estimator import Estimator as Estimator
from .model_fn import EstimatorSpec as EstimatorSpec, ModeKeys as ModeKeys
from .run_config import RunConfig as RunConfig
