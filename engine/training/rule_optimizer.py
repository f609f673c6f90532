"""Optimizers whose step is one op of ops/training.py: they say which op, which slots, and which numbers."""

from __future__ import annotations

from typing import Any

from ..conversion import convert_to_tensor
from ..graph import Tensor, get_default_graph
from ..initializers import constant_initializer
from ..ops.casting import cast
from ..ops.training import APPLY, SPARSE_APPLY
from ..variables import ResourceVariable
from .optimizer import Optimizer

# Among the extras of a graph: the tensors of its optimizers' learning rates, which a step may be fed others for.
LEARNING_RATES = "learning_rates"


class RuleOptimizer(Optimizer):
    """Applies the op of `rule` to a variable and its `slots`.

    `_numbers` gives the op's other inputs by name; a number may be a Python number, a tensor or a function without
    arguments. They become tensors once an `apply_gradients`.
    """

    rule: str
    slots: tuple[str, ...] = ()
    # Attributes of the op that the optimizer sets.
    options: tuple[str, ...] = ()

    def _numbers(self) -> dict[str, Any]:
        raise NotImplementedError

    def _prepare(self) -> None:
        self._tensors: dict[str, Tensor] = {}
        for name, value in self._numbers().items():
            long_name = _LONG_NAMES.get(name, name)
            self._tensors[name] = convert_to_tensor(self._call_if_callable(value), name=long_name)
            if long_name == "learning_rate":
                get_default_graph().outermost().extras.setdefault(LEARNING_RATES, []).append(self._tensors[name])

    def _number(self, name: str, var: Any) -> Tensor:
        """A number in the variable's dtype."""
        result: Tensor = cast(self._tensors[name], var.dtype.base_dtype)
        return result

    def _input(self, name: str, var: Any) -> Any:
        return self._number(name, var)

    def _attributes(self) -> dict[str, Any]:
        return {"use_locking": self._use_locking}

    def _apply_rule(self, table: Any, grad: Any, var: Any, indices: Any = None) -> Any:
        definition = table[self.rule][isinstance(var, ResourceVariable)]
        if definition is None:
            raise NotImplementedError(f"{type(self).__name__} cannot update {var.name} in this way")
        arrays = [v._handle for v in (var, *(self.get_slot(var, s) for s in self.slots))]
        given = {"grad": grad, "delta": grad, "indices": indices}
        others = [
            given[a.name] if a.name in given else self._input(a.name, var) for a in definition.inputs[len(arrays) :]
        ]
        return definition(*arrays, *others, **self._attributes())

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._apply_rule(APPLY, grad, var)

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        return self._apply_rule(APPLY, grad, handle)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._apply_rule(SPARSE_APPLY, grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return self._apply_rule(SPARSE_APPLY, grad, handle, indices)

    def _constant_slot(self, var: Any, value: float, slot_name: str, op_name: str) -> Any:
        """A slot filled with one number; the number alone is kept in the graph."""
        dtype = var.dtype.base_dtype
        return self._get_or_make_slot_with_initializer(
            var, constant_initializer(value, dtype=dtype), var.get_shape(), dtype, slot_name, op_name
        )


_LONG_NAMES = {
    "lr": "learning_rate",
    "alpha": "learning_rate",
    "l1": "l1_regularization_strength",
    "l2": "l2_regularization_strength",
}
