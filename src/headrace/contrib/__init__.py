"""The names of TensorFlow 1.15's `tf.contrib`."""

from . import (
    cluster_resolver,
    cudnn_rnn,
    data,
    deprecated,
    distribute,
    estimator,
    factorization,
    feature_column,
    framework,
    layers,
    learn,
    legacy_seq2seq,
    lookup,
    losses,
    memory_stats,
    metrics,
    opt,
    predictor,
    rnn,
    saved_model,
    seq2seq,
    slim,
    staging,
    tensorboard,
    tfprof,
    training,
    util,
)

__all__ = [
    "cluster_resolver", "cudnn_rnn", "data", "deprecated", "distribute", "estimator", "factorization",
    "feature_column", "framework", "layers", "learn", "legacy_seq2seq", "lookup", "losses", "memory_stats", "metrics",
    "opt", "predictor", "rnn", "saved_model", "seq2seq", "slim", "staging", "tensorboard", "tfprof", "training",
    "util",
]  # fmt: skip
