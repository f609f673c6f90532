"""Proximal Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rule_optimizer import RuleOptimizer


class ProximalAdagradOptimizer(RuleOptimizer):
    """Adagrad followed by shrinkage (Duchi and Singer 2009), as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        initial_accumulator_value: where the sums of squares start; must be positive.
        l1_regularization_strength, l2_regularization_strength: not negative.
    """

    rule = "ProximalAdagrad"
    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._constant_slot(var, self._initial_accumulator_value, "accumulator", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {"lr": self._learning_rate, "l1": self._l1, "l2": self._l2}
