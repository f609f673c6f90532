"""Optimizers by name, as canned estimators take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.training.adagrad import AdagradOptimizer
from ..engine.training.adam import AdamOptimizer
from ..engine.training.ftrl import FtrlOptimizer
from ..engine.training.gradient_descent import GradientDescentOptimizer
from ..engine.training.optimizer import Optimizer
from ..engine.training.rmsprop import RMSPropOptimizer

# tf.estimator's names and learning rates: Keras's defaults for Adam and RMSProp, 0.05 for the others.
OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "Adagrad": lambda: AdagradOptimizer(0.05),
    "Adam": lambda: AdamOptimizer(0.001),
    "Ftrl": lambda: FtrlOptimizer(0.05),
    "RMSProp": lambda: RMSPropOptimizer(0.001),
    "SGD": lambda: GradientDescentOptimizer(0.05),
}


def optimizer_of(given: Any) -> Optimizer:
    """An optimizer from a name, an optimizer, or a function that makes one.

    Raises:
        ValueError: the name is unknown, with those there are.
        TypeError: the function makes something else.
    """
    if isinstance(given, str):
        if given not in OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {sorted(OPTIMIZERS)}")
        return OPTIMIZERS[given]()
    made = given() if callable(given) else given
    if not isinstance(made, Optimizer):
        raise TypeError(f"The given object is not an Optimizer instance. Given: {made!r}")
    return made
