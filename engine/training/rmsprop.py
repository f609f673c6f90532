"""RMSProp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..initializers import ones_initializer
from .rule_optimizer import RuleOptimizer


class RMSPropOptimizer(RuleOptimizer):
    """Steps divided by the root of a running mean of squared gradients, as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        decay: decay of the running mean.
        momentum: of the steps.
        epsilon: added under the root.
        centered: divide by the running variance in place of the mean square.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered
        self.rule = "CenteredRMSProp" if centered else "RMSProp"
        self.slots = ("mg", "rms", "momentum") if centered else ("rms", "momentum")

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            dtype = var.dtype.base_dtype
            self._get_or_make_slot_with_initializer(var, ones_initializer(), var.get_shape(), dtype, "rms", self._name)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {
            "lr": self._learning_rate,
            "rho": self._decay,
            "momentum": self._momentum,
            "epsilon": self._epsilon,
        }
