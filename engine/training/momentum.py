"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rule_optimizer import RuleOptimizer


class MomentumOptimizer(RuleOptimizer):
    """`accum = momentum * accum + gradient; var -= learning_rate * accum`, as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        momentum: likewise.
        use_nesterov: look ahead by one step, as Sutskever et al. 2013.
    """

    rule = "Momentum"
    slots = ("momentum",)

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {"lr": self._learning_rate, "momentum": self._momentum}

    def _attributes(self) -> dict[str, Any]:
        return {**super()._attributes(), "use_nesterov": self._use_nesterov}
