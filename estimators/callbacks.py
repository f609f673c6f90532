"""The model and the optimizer as the callbacks of an estimator's `fit` see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.training.rule_optimizer import LEARNING_RATES
from .kept import KeptModel

_NO_RATE = (
    "The learning rate of this estimator cannot be read or set by callbacks such as LearningRateScheduler and "
    "ReduceLROnPlateau: {}. Give the optimizer as a function with a schedule instead, as in optimizer=lambda: "
    "tf.train.AdamOptimizer(tf.train.exponential_decay(0.1, tf.train.get_global_step(), 100, 0.9))"
)


class FittedOptimizer:
    """What callbacks get as `model.optimizer`: the steps that it made, and the learning rate of the steps to come.

    Args:
        model: the model that is trained.
    """

    def __init__(self, model: KeptModel) -> None:
        vars(self).update(_model=model, _rate=None)

    def __getattr__(self, name: str) -> Any:
        if name in ("learning_rate", "lr"):
            # Asked where the property found none.
            self._tensor()
        raise AttributeError(
            f"Callbacks of an estimator's fit get no Keras model, and so no model.optimizer.{name}; there are iterations "
            "and learning_rate"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("learning_rate", "lr"):
            raise AttributeError(f"model.optimizer.{name} of an estimator's fit cannot be set")
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
            raise ValueError(f"The learning rate must be a number, got {value!r}")
        self._tensor()
        vars(self)["_rate"] = np.float32(value)

    def _tensor(self) -> Any:
        """The learning rate in the graph, a constant."""
        found = self._model.graph.extras.get(LEARNING_RATES, [])
        if len(found) != 1:
            many = f"it has {len(found)} optimizers" if found else "its optimizer has none that can be set"
            raise AttributeError(_NO_RATE.format(many))
        if found[0].op.type != "Const":
            raise AttributeError(_NO_RATE.format("it follows a schedule"))
        return found[0]

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        tensor = self._tensor()
        return float(self._model.open().run(tensor) if self._rate is None else self._rate)

    lr = learning_rate

    def current_learning_rate(self) -> float:
        """That of the next step."""
        return self.learning_rate

    @property
    def fed(self) -> dict[Any, Any]:
        """What a step is fed for the rate that was set; nothing where none was."""
        return {} if self._rate is None else {self._tensor(): self._rate}

    @property
    def iterations(self) -> int:
        """The global step."""
        return int(self._model.open().run(self._model.step))


class FittedModel:
    """What callbacks get as `model`: it can be stopped, and its weights read, set and saved.

    Args:
        estimator: the estimator that is fitted.
        model: the model that is trained.
        optimizer: what it is trained with.
        save: writes a checkpoint of a given prefix.
    """

    def __init__(
        self, estimator: Any, model: KeptModel, optimizer: FittedOptimizer, save: Callable[[str], Any]
    ) -> None:
        self.estimator = estimator
        self.stop_training = False
        self.optimizer = optimizer
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
