"""AddSign and PowerSign, found by a search for update rules (Bello et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import e, log
from typing import Any

from ..conversion import convert_to_tensor
from ..ops.casting import cast
from .global_step import get_or_create_global_step
from .rule_optimizer import RuleOptimizer


class _SignOptimizer(RuleOptimizer):
    slots = ("m",)

    def __init__(
        self,
        learning_rate: Any,
        beta: Any,
        sign_decay_fn: Callable[[Any], Any] | None,
        use_locking: bool,
        name: str,
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta = beta
        self._sign_decay_fn = sign_decay_fn
        self._global_step: Any = None

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """As the base class's; the decay function sees `global_step`."""
        if self._sign_decay_fn is not None:
            self._global_step = cast(global_step if global_step is not None else get_or_create_global_step(), "float32")
        return super().apply_gradients(grads_and_vars, global_step, name)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "m", self._name)

    def _numbers(self) -> dict[str, Any]:
        decay = 1.0 if self._sign_decay_fn is None else convert_to_tensor(self._sign_decay_fn(self._global_step))
        return {"lr": self._lr, "beta": self._beta, "sign_decay": decay}


class AddSignOptimizer(_SignOptimizer):
    """`var -= learning_rate * (alpha + decay * sign(g) * sign(m)) * g`, as `tf.contrib.opt.AddSignOptimizer`."""

    rule = "AddSign"

    def __init__(
        self,
        learning_rate: Any = 0.1,
        alpha: Any = 1.0,
        beta: Any = 0.9,
        sign_decay_fn: Callable[[Any], Any] | None = None,
        use_locking: bool = False,
        name: str = "AddSignOptimizer",
    ) -> None:
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _numbers(self) -> dict[str, Any]:
        return {**super()._numbers(), "alpha": self._alpha}


class PowerSignOptimizer(_SignOptimizer):
    """`var -= learning_rate * base ** (decay * sign(g) * sign(m)) * g`, as `tf.contrib.opt.PowerSignOptimizer`."""

    rule = "PowerSign"

    def __init__(
        self,
        learning_rate: Any = 0.1,
        base: float = e,
        beta: Any = 0.9,
        sign_decay_fn: Callable[[Any], Any] | None = None,
        use_locking: bool = False,
        name: str = "PowerSignOptimizer",
    ) -> None:
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._logbase = log(base)

    def _numbers(self) -> dict[str, Any]:
        return {**super()._numbers(), "logbase": self._logbase}
