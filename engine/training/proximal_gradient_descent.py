"""Proximal gradient descent."""

from __future__ import annotations

from typing import Any

from .rule_optimizer import RuleOptimizer


class ProximalGradientDescentOptimizer(RuleOptimizer):
    """Gradient descent followed by shrinkage (Duchi and Singer 2009), as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        l1_regularization_strength, l2_regularization_strength: not negative.
    """

    rule = "ProximalGradientDescent"

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _numbers(self) -> dict[str, Any]:
        return {"alpha": self._learning_rate, "l1": self._l1, "l2": self._l2}
