"""Follow the regularized leader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rule_optimizer import RuleOptimizer


class FtrlOptimizer(RuleOptimizer):
    """FTRL-proximal (McMahan et al. 2013), for large sparse linear models, as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        learning_rate_power: at most zero; -0.5 makes rates fall as Adagrad's.
        initial_accumulator_value: where the sums of squares start; not negative.
        l1_regularization_strength, l2_regularization_strength: not negative.
        accum_name, linear_name: names of the slots, by default the optimizer's.
        l2_shrinkage_regularization_strength: an L2 penalty of the gradient's size; not negative.
    """

    slots = ("accum", "linear")

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: Any = 0.0,
    ) -> None:
        super().__init__(use_locking, name)
        for what, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if isinstance(value, int | float) and value < 0.0:
                raise ValueError(f"{what} {value} needs to be positive or zero")
        if isinstance(learning_rate_power, int | float) and learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength
        self._l2_shrinkage = l2_shrinkage_regularization_strength
        self._accum_name = accum_name
        self._linear_name = linear_name
        plain = isinstance(self._l2_shrinkage, int | float) and self._l2_shrinkage <= 0.0
        self.rule = "Ftrl" if plain else "FtrlV2"

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._constant_slot(var, self._initial_accumulator_value, "accum", self._accum_name or self._name)
            self._zeros_slot(var, "linear", self._linear_name or self._name)

    def _numbers(self) -> dict[str, Any]:
        return {
            "lr": self._learning_rate,
            "l1": self._l1,
            "l2": self._l2,
            "l2_shrinkage": self._l2_shrinkage,
            "lr_power": self._learning_rate_power,
        }
