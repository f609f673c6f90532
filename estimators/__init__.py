"""Estimator, heads, feature columns, canned estimators, run config, train_and_evaluate."""

if __name__ != "headrace.estimators":
    raise ImportError(
        "this folder is the package headrace.estimators, not a package of its own: "
        "install headrace and import headrace.estimators"
    )

from .class_heads import (
    BinaryClassHead as BinaryClassHead,
    MultiClassHead as MultiClassHead,
    MultiLabelHead as MultiLabelHead,
)
from .columns import numeric_column as numeric_column
from .dnn import DNNClassifier as DNNClassifier, DNNRegressor as DNNRegressor
from .estimator import Estimator as Estimator
from .head import Head as Head
from .linear import LinearClassifier as LinearClassifier, LinearRegressor as LinearRegressor
from .model_fn import EstimatorSpec as EstimatorSpec, ModeKeys as ModeKeys
from .regression_heads import (
    LogisticRegressionHead as LogisticRegressionHead,
    PoissonRegressionHead as PoissonRegressionHead,
    RegressionHead as RegressionHead,
)
from .run_config import RunConfig as RunConfig
