"""Adagrad with dual averaging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dtypes import int64
from ..ops.array import identity
from ..ops.casting import cast
from .rule_optimizer import RuleOptimizer


class AdagradDAOptimizer(RuleOptimizer):
    """Regularized dual averaging with Adagrad's rates (Duchi et al. 2011), for sparse linear models.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        global_step: the variable that counts steps.
        initial_gradient_squared_accumulator_value: where the sums of squares start; must be positive.
        l1_regularization_strength, l2_regularization_strength: not negative.
    """

    rule = "AdagradDA"
    slots = ("gradient_accumulator", "gradient_squared_accumulator")

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                f"initial_gradient_squared_accumulator_value must be positive: {initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._global_step = global_step
        self._initial_squares = initial_gradient_squared_accumulator_value
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._constant_slot(var, 0.0, "gradient_accumulator", self._name)
            self._constant_slot(var, self._initial_squares, "gradient_squared_accumulator", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {"lr": self._learning_rate, "l1": self._l1, "l2": self._l2}

    def _prepare(self) -> None:
        super()._prepare()
        # The step that this update makes, and not those made before it.
        self._step = cast(identity(self._global_step), int64) + 1

    def _input(self, name: str, var: Any) -> Any:
        return self._step if name == "global_step" else super()._input(name, var)
