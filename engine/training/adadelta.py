"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rule_optimizer import RuleOptimizer


class AdadeltaOptimizer(RuleOptimizer):
    """Steps scaled by running means of steps over running means of gradients (Zeiler 2012), as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments; 1.0 is the paper's form.
        rho: decay of the running means.
        epsilon: added under the roots.
    """

    rule = "Adadelta"
    slots = ("accum", "accum_update")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {"lr": self._lr, "rho": self._rho, "epsilon": self._epsilon}
