"""The names of TensorFlow 1.15's `tf.contrib`."""

from . import (
    data,
    estimator,
    factorization,
    feature_column,
    framework,
    layers,
    learn,
    lookup,
    losses,
    metrics,
    opt,
    predictor,
    rnn,
    slim,
    staging,
    training,
    util,
)

__all__ = [
    "data", "estimator", "factorization", "feature_column", "framework", "layers", "learn", "lookup", "losses",
    "metrics", "opt", "predictor", "rnn", "slim", "staging", "training", "util",
]  # fmt: skip
