"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rule_optimizer import RuleOptimizer


class AdagradOptimizer(RuleOptimizer):
    """Steps divided by the root of the sum of squared gradients (Duchi et al. 2011), as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        initial_accumulator_value: where the sums start; must be positive.
    """

    rule = "Adagrad"
    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._constant_slot(var, self._initial_accumulator_value, "accumulator", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {"lr": self._learning_rate}
