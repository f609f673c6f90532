"""The names of TensorFlow 1.15's `tf.keras.optimizers`."""

from ...layers.keras.optimizer import Optimizer
from ...layers.keras.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Nadam,
    RMSprop,
    TFOptimizer,
    deserialize,
    get,
    serialize,
)
from . import schedules

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Nadam", "Optimizer", "RMSprop",
    "TFOptimizer", "deserialize", "get", "schedules", "serialize",
]  # fmt: skip
