"""The names of TensorFlow 1.15's `tf.contrib.estimator`."""

from ..estimators.baseline import BaselineEstimator
from ..estimators.combined import DNNLinearCombinedEstimator
from ..estimators.contrib_heads import (
    binary_classification_head,
    logistic_regression_head,
    multi_class_head,
    multi_head,
    multi_label_head,
    poisson_regression_head,
    regression_head,
)
from ..estimators.dnn import DNNEstimator
from ..estimators.early_stopping import (
    make_early_stopping_hook,
    read_eval_metrics,
    stop_if_higher_hook,
    stop_if_lower_hook,
    stop_if_no_decrease_hook,
    stop_if_no_increase_hook,
)
from ..estimators.evaluator_hooks import InMemoryEvaluatorHook, make_stop_at_checkpoint_step_hook
from ..estimators.extenders import add_metrics, clip_gradients_by_norm, forward_features
from ..estimators.linear import LinearEstimator
from ..estimators.supervised_export import (
    build_raw_supervised_input_receiver_fn,
    build_supervised_input_receiver_fn_from_input_fn,
)

__all__ = [
    "BaselineEstimator", "DNNEstimator", "DNNLinearCombinedEstimator", "InMemoryEvaluatorHook", "LinearEstimator",
    "add_metrics", "binary_classification_head", "build_raw_supervised_input_receiver_fn",
    "build_supervised_input_receiver_fn_from_input_fn", "clip_gradients_by_norm", "forward_features",
    "logistic_regression_head", "make_early_stopping_hook", "make_stop_at_checkpoint_step_hook", "multi_class_head",
    "multi_head", "multi_label_head", "poisson_regression_head", "read_eval_metrics", "regression_head",
    "stop_if_higher_hook", "stop_if_lower_hook", "stop_if_no_decrease_hook", "stop_if_no_increase_hook",
]  # fmt: skip
