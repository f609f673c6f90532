"""Adam and its variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..assignments import assign, assign_sub, scatter_add
from ..graph import Tensor, get_default_graph
from ..ops.grouping import group_operations
from ..ops.unary import sqrt
from .rule_optimizer import RuleOptimizer


class AdamOptimizer(RuleOptimizer):
    """Adaptive moment estimation (Kingma and Ba 2014), as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.
        beta1: decay of the running mean of gradients.
        beta2: decay of the running mean of their squares.
        epsilon: added to the root; the paper's "epsilon hat".
    """

    rule = "Adam"
    slots = ("m", "v")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    # The powers of the betas that the step needs, each a variable.
    _powers: tuple[str, ...] = ("beta1_power", "beta2_power")

    def _get_beta_accumulators(self) -> tuple[Any, ...]:
        graph = get_default_graph().outermost()
        return tuple(self._get_non_slot_variable(name, graph) for name in self._powers)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        for name, beta in zip(self._powers, (self._beta1, self._beta2), strict=False):
            self._create_non_slot_variable(self._call_if_callable(beta), name, first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _numbers(self) -> dict[str, Any]:
        return {"lr": self._lr, "beta1": self._beta1, "beta2": self._beta2, "epsilon": self._epsilon}

    def _prepare(self) -> None:
        super()._prepare()
        for name, power in zip(self._powers, self._get_beta_accumulators(), strict=True):
            self._tensors[name] = power.value()

    def _sparse_rate(self, var: Any) -> Tensor:
        """The learning rate, corrected for means that start at zero."""
        power1, power2 = self._number("beta1_power", var), self._number("beta2_power", var)
        result: Tensor = self._number("lr", var) * sqrt(1 - power2) / (1 - power1)
        return result

    def _sparse_mean(self, var: Any, slot: str, beta: Tensor, rows: Tensor, indices: Any) -> Tensor:
        """A running mean in which every row decays and the given ones get something added."""
        mean = self.get_slot(var, slot)
        decayed = assign(mean, mean * beta, use_locking=self._use_locking)
        with get_default_graph().control_dependencies([decayed]):
            result: Tensor = scatter_add(mean, indices, rows * (1 - beta), use_locking=self._use_locking)
            return result

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Any) -> Any:
        m = self._sparse_mean(var, "m", self._number("beta1", var), grad, indices)
        v = self._sparse_mean(var, "v", self._number("beta2", var), grad * grad, indices)
        step = self._sparse_rate(var) * m / (sqrt(v) + self._number("epsilon", var))
        update = assign_sub(var, step, use_locking=self._use_locking)
        return group_operations([update, m, v])

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._apply_sparse_shared(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return self._apply_sparse_shared(grad, handle, indices)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        graph = get_default_graph()
        powers = self._get_beta_accumulators()
        with graph.control_dependencies(update_ops), graph.colocate_with(powers[0].op):
            betas = (self._tensors["beta1"], self._tensors["beta2"])
            updates = [
                power.assign(power * beta, use_locking=self._use_locking, read_value=False)
                for power, beta in zip(powers, betas, strict=False)
            ]
        return group_operations([*update_ops, *updates], name_scope)


class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov's momentum (Dozat 2015), as TensorFlow 1.15's `tf.contrib.opt.NadamOptimizer`."""

    def _attributes(self) -> dict[str, Any]:
        return {**super()._attributes(), "use_nesterov": True}

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Any) -> Any:
        beta1 = self._number("beta1", var)
        m = self._sparse_mean(var, "m", beta1, grad, indices)
        v = self._sparse_mean(var, "v", self._number("beta2", var), grad * grad, indices)
        ahead = m * beta1
        divisor = sqrt(v) + self._number("epsilon", var)
        rate = self._sparse_rate(var)
        update = assign_sub(var, rate * ahead / divisor, use_locking=self._use_locking)
        with get_default_graph().control_dependencies([update]):
            from ..ops.indexing import gather

            rows = rate * (grad * (1 - beta1)) / gather(divisor, indices)
            from ..assignments import scatter_sub

            last = scatter_sub(var, indices, rows, use_locking=self._use_locking)
        return group_operations([last, m, v])


class LazyAdamOptimizer(AdamOptimizer):
    """Adam that, for sparse gradients, moves only the rows that the gradient names.

    As TensorFlow 1.15's `tf.contrib.opt.LazyAdamOptimizer`: faster than Adam on embeddings, and not the same.
    """

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Any) -> Any:
        from ..assignments import scatter_sub, scatter_update
        from ..ops.indexing import gather

        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        beta1, beta2 = self._number("beta1", var), self._number("beta2", var)
        new_m = beta1 * gather(m, indices) + (1 - beta1) * grad
        new_v = beta2 * gather(v, indices) + (1 - beta2) * grad * grad
        step = self._sparse_rate(var) * new_m / (sqrt(new_v) + self._number("epsilon", var))
        return group_operations(
            [scatter_sub(var, indices, step), scatter_update(m, indices, new_m), scatter_update(v, indices, new_v)]
        )


class AdaMaxOptimizer(AdamOptimizer):
    """Adam by the largest gradient in place of the root of squares, as `tf.contrib.opt.AdaMaxOptimizer`."""

    rule = "AdaMax"
    _powers = ("beta1_power",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdaMax",
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Any) -> Any:
        from ..assignments import scatter_sub, scatter_update
        from ..ops.binary import maximum
        from ..ops.indexing import gather
        from ..ops.unary import abs as absolute

        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        beta1, beta2 = self._number("beta1", var), self._number("beta2", var)
        new_m = beta1 * gather(m, indices) + (1 - beta1) * grad
        new_v = maximum(beta2 * gather(v, indices), absolute(grad))
        rate = self._number("lr", var) / (1 - self._number("beta1_power", var))
        step = rate * new_m / (new_v + self._number("epsilon", var))
        return group_operations(
            [scatter_sub(var, indices, step), scatter_update(m, indices, new_m), scatter_update(v, indices, new_v)]
        )


class AdamWOptimizer(AdamOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017), as `tf.contrib.opt.AdamWOptimizer`.

    Args:
        weight_decay: before each update a variable loses this part of itself; a number, tensor or function.
    """

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdamW",
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)
        self._weight_decay = weight_decay
        self._decayed: set[Any] | None = None

    def minimize(self, *args: Any, decay_var_list: Sequence[Any] | None = None, **options: Any) -> Any:
        """As the base class's; `decay_var_list` names the variables that decay (None: all)."""
        self._decayed = None if decay_var_list is None else set(decay_var_list)
        return super().minimize(*args, **options)

    def apply_gradients(
        self,
        grads_and_vars: Any,
        global_step: Any = None,
        name: str | None = None,
        decay_var_list: Sequence[Any] | None = None,
    ) -> Any:
        """As the base class's; `decay_var_list` names the variables that decay (None: all)."""
        if decay_var_list is not None:
            self._decayed = set(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step, name)

    def _numbers(self) -> dict[str, Any]:
        return {**super()._numbers(), "weight_decay": self._weight_decay}

    def _after_decay(self, var: Any, apply: Callable[[], Any]) -> Any:
        if self._decayed is not None and var not in self._decayed:
            return apply()
        decay = assign_sub(var, self._number("weight_decay", var) * var.read_value(), use_locking=self._use_locking)
        with get_default_graph().control_dependencies([decay]):
            return apply()

    def _update_of(self, gradient: Any, variable: Any) -> Any:
        update = super()._update_of
        return self._after_decay(variable, lambda: update(gradient, variable))
