"""Optimizers by name, as canned estimators take them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..engine.training.adagrad import AdagradOptimizer
from ..engine.training.adam import AdamOptimizer
from ..engine.training.ftrl import FtrlOptimizer
from ..engine.training.gradient_descent import GradientDescentOptimizer
from ..engine.training.optimizer import Optimizer
from ..engine.training.rmsprop import RMSPropOptimizer

# tf.estimator's names and learning rates: Keras's defaults for Adam and RMSProp, 0.05 for the others.
OPTIMIZERS: dict[str, tuple[Callable[[float], Optimizer], float]] = {
    "Adagrad": (AdagradOptimizer, 0.05),
    "Adam": (partial(AdamOptimizer, epsilon=1e-7), 0.001),
    "Ftrl": (FtrlOptimizer, 0.05),
    "RMSProp": (RMSPropOptimizer, 0.001),
    "SGD": (GradientDescentOptimizer, 0.05),
}


def optimizer_of(given: Any, learning_rate: float | None = None) -> Optimizer:
    """An optimizer from a name, an optimizer, or a function that makes one.

    Args:
        given: what a canned estimator was given.
        learning_rate: for an optimizer that is given by name, in place of the table's.

    Raises:
        ValueError: the name is unknown, with those there are.
        TypeError: the function makes something else.
    """
    if isinstance(given, str):
        if given not in OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {sorted(OPTIMIZERS)}")
        kind, usual = OPTIMIZERS[given]
        return kind(usual if learning_rate is None else learning_rate)
    made = given() if callable(given) else given
    if not isinstance(made, Optimizer):
        raise TypeError(f"The given object is not an Optimizer instance. Given: {made!r}")
    return made
