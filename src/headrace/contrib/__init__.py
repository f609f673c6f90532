"""The names of TensorFlow 1.15's `tf.contrib`."""

from . import (
    data,
    estimator,
    factorization,
    feature_column,
    framework,
    layers,
    learn,
    legacy_seq2seq,
    lookup,
    losses,
    metrics,
    opt,
    predictor,
    rnn,
    saved_model,
    seq2seq,
    slim,
    staging,
    training,
    util,
)

__all__ = [
    "data", "estimator", "factorization", "feature_column", "framework", "layers", "learn", "legacy_seq2seq",
    "lookup", "losses", "metrics", "opt", "predictor", "rnn", "saved_model", "seq2seq", "slim", "staging", "training",
    "util",
]  # fmt: skip
