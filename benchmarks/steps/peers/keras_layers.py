"""Keras 3 by train_on_batch, on TensorFlow where that is installed; W1 to W5."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

BACKENDS = ("tensorflow", "torch", "jax")
os.environ.setdefault("KERAS_BACKEND", next(filter(importlib.util.find_spec, BACKENDS), "tensorflow"))

import keras  # noqa: E402 (reads the variable)
from workloads import Workload  # noqa: E402

L = keras.layers


def network(w: Workload) -> list[Any]:
    if w.model == "linear":
        return [L.Dense(1)]
    if w.model == "layers":
        *hidden, classes = w.size.widths[1:]
        return [*[L.Dense(width, activation="relu") for width in hidden], L.Dense(classes)]
    if w.model == "convolutional":
        parts: list[Any] = []
        for channels in w.size.channels:
            parts += [L.Conv2D(channels, 5, padding="same", activation="relu"), L.MaxPooling2D()]
        return [*parts, L.Flatten(), L.Dense(w.size.hidden, activation="relu"), L.Dense(10)]
    raise SystemExit("the Keras peer has W1 to W5")


def set_threads(threads: int) -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)


def build(w: Workload, variant: str, threads: int) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    set_threads(threads)
    x = w.batches[0]["x"]
    model = keras.Sequential([keras.Input(x.shape[1:], batch_size=x.shape[0]), *network(w)])
    optimizers = keras.optimizers
    optimizer = optimizers.Adam(w.rate, epsilon=1e-8) if w.optimizer == "adam" else optimizers.SGD(w.rate)
    losses = keras.losses
    loss = losses.MeanSquaredError() if w.model == "linear" else losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    model.set_weights(list(w.parameters.values()))
    return lambda b: model.train_on_batch(b["x"], b["y"]), lambda loss: float(
        loss[0] if isinstance(loss, list) else loss
    )
