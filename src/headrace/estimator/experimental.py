"""The names of TensorFlow 1.15's `tf.estimator.experimental`."""

from ..estimators.early_stopping import (
    make_early_stopping_hook,
    stop_if_higher_hook,
    stop_if_lower_hook,
    stop_if_no_decrease_hook,
    stop_if_no_increase_hook,
)
from ..estimators.evaluator_hooks import InMemoryEvaluatorHook, make_stop_at_checkpoint_step_hook
from ..estimators.kmeans import KMeansClustering as KMeans
from ..estimators.logits import call_logit_fn, dnn_logit_fn_builder, linear_logit_fn_builder
from ..estimators.supervised_export import (
    build_raw_supervised_input_receiver_fn,
    build_supervised_input_receiver_fn_from_input_fn,
)

__all__ = [
    "InMemoryEvaluatorHook", "KMeans", "build_raw_supervised_input_receiver_fn",
    "build_supervised_input_receiver_fn_from_input_fn", "call_logit_fn", "dnn_logit_fn_builder",
    "linear_logit_fn_builder", "make_early_stopping_hook", "make_stop_at_checkpoint_step_hook", "stop_if_higher_hook",
    "stop_if_lower_hook", "stop_if_no_decrease_hook", "stop_if_no_increase_hook",
]  # fmt: skip
