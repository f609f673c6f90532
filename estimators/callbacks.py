"""The model and the optimizer as the callbacks of an estimator's `fit` see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .kept import KeptModel

_NO_RATE = (
    "An estimator's learning rate is part of its graph, which callbacks such as LearningRateScheduler and "
    "ReduceLROnPlateau cannot read or set: give the optimizer as a function instead, as in optimizer=lambda: "
    "tf.train.AdamOptimizer(tf.train.exponential_decay(0.1, tf.train.get_global_step(), 100, 0.9))"
)


class FittedOptimizer:
    """What callbacks get as `model.optimizer`: the steps that it made. Its learning rate is part of the model's graph.

    Args:
        model: the model that is trained.
    """

    def __init__(self, model: KeptModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name in ("learning_rate", "lr"):
            raise AttributeError(_NO_RATE)
        raise AttributeError(
            f"Callbacks of an estimator's fit get no Keras model, and so no model.optimizer.{name}; there is iterations"
        )

    @property
    def iterations(self) -> int:
        """The global step."""
        return int(self._model.open().run(self._model.step))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("learning_rate", "lr"):
            raise AttributeError(_NO_RATE)
        super().__setattr__(name, value)

    def current_learning_rate(self) -> float:
        """Raises ValueError, with what to do instead."""
        raise ValueError(_NO_RATE)


class FittedModel:
    """What callbacks get as `model`: it can be stopped, and its weights read, set and saved.

    Args:
        estimator: the estimator that is fitted.
        model: the model that is trained.
        save: writes a checkpoint of a given prefix.
    """

    def __init__(self, estimator: Any, model: KeptModel, save: Callable[[str], Any]) -> None:
        self.estimator = estimator
        self.stop_training = False
        self.optimizer = FittedOptimizer(model)
        self._model, self._save = model, save

    def __getattr__(self, name: str) -> Any:
        known = "estimator, weights, get_weights, set_weights, save_weights, save, optimizer.iterations, stop_training"
        raise AttributeError(
            f"Callbacks of an estimator's fit get no Keras model, and so no model.{name}; there are {known}"
        )

    @property
    def _variables(self) -> list[Any]:
        return self._model.variables()

    @property
    def weights(self) -> list[Any]:
        """All variables."""
        return list(self._variables)

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """The values of all variables."""
        return list(self._model.open().run(self._variables))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Gives all variables values, in the order of `get_weights`.

        Raises:
            ValueError: they are not as many as the variables.
        """
        variables = self._variables
        if len(weights) != len(variables):
            raise ValueError(f"There are {len(variables)} variables, got {len(weights)} values")
        for variable, value in zip(variables, weights, strict=True):
            variable.load(value, self._model.open())

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes a checkpoint."""
        del overwrite
        self._save(str(filepath))

    # An estimator's whole state is its checkpoint.
    save = save_weights
