"""Moving averages of variables, as TensorFlow 1.15's `tf.train.ExponentialMovingAverage`."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from ..assignments import assign_sub
from ..conversion import convert_to_tensor
from ..dtypes import bfloat16, float16, float32, float64
from ..graph import Operation, Tensor, get_default_graph
from ..initializers import zeros_initializer
from ..ops.array import identity
from ..ops.binary import minimum, pow
from ..ops.casting import cast
from ..ops.grouping import group_operations
from ..scopes import GraphKeys, add_to_collection, init_scope
from ..variable_lists import global_variables, moving_average_variables, trainable_variables
from ..variable_scope import get_variable, variable_scope
from ..variable_store import VariableStore
from ..variables import Variable
from . import slot_creator


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """`variable -= (1 - decay) * (variable - value)`; gives its value after that.

    Args:
        variable: a variable.
        value: a tensor or variable of its shape; a variable is read at this point of the order of operations.
        decay: a number or scalar tensor.
        zero_debias: correct for a start at zero; makes the variables `biased` and `local_step` (Kingma and Ba 2014).

    Raises:
        ValueError: `decay` is a number, and not from 0 to 1.
        TypeError: it is neither a number nor a tensor.
    """
    graph, decay = get_default_graph(), _checked_decay(decay)
    with graph.name_scope(name or "AssignMovingAvg") as scope, graph.colocate_with(variable.op):
        rate = cast(convert_to_tensor(1.0 - decay, name="decay"), variable.dtype.base_dtype)
        # The value that a step's updates have made, where the caller orders this after them.
        value = value.read_value() if isinstance(value, Variable) else value
        delta = _debiased_delta(variable, value, rate) if zero_debias else (variable - value) * rate
        return assign_sub(variable, delta, name=scope)


def _checked_decay(decay: Any) -> Any:
    if decay is None or isinstance(decay, str | bytes):
        raise TypeError(f"decay must be a number from 0 to 1, or a tensor; got {decay!r}")
    if not isinstance(decay, Real):
        return decay
    number = float(decay)
    if not 0 <= number <= 1:
        raise ValueError(f"decay must be from 0 to 1, got {decay!r}")
    return number


def _unique(prefix: str, name: str) -> str:
    taken = VariableStore.of(get_default_graph()).variables
    index, candidate = 0, name
    while f"{prefix}/{candidate}" in taken:
        index += 1
        candidate = f"{name}_{index}"
    return candidate


def _debiased_delta(variable: Any, value: Any, rate: Tensor) -> Tensor:
    graph = get_default_graph()
    with variable_scope(variable.op.name) as scope:
        with graph.colocate_with(variable.op), init_scope():
            biased = _zeros(_unique(scope.name, "biased"), variable.get_shape(), variable)
            step = _zeros(_unique(scope.name, "local_step"), [], variable)
        update = assign_sub(biased, (biased - value) * rate, name=scope.name)
        counted = step.assign_add(1.0)
        with graph.control_dependencies([update, counted]):
            correction = 1 - pow(1.0 - rate, step.read_value())
            delta: Tensor = variable - biased.read_value() / correction
            return delta


def _zeros(name: str, shape: Any, like: Any) -> Any:
    return get_variable(name, shape, like.dtype.base_dtype, initializer=zeros_initializer(), trainable=False)


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None, name: str | None = None
) -> Tensor:
    """The moving average of `value * weight` over that of `weight`: a mean in which steps weigh differently."""
    graph = get_default_graph()
    options: dict[str, Any] = {"trainable": False, "collections": collections, "initializer": zeros_initializer()}
    with variable_scope(name, "WeightedMovingAvg"):
        tensor, weights = convert_to_tensor(value), convert_to_tensor(weight)
        above = get_variable("value_x_weight", tensor.get_shape(), tensor.dtype, **options)
        below = get_variable("weight", weights.get_shape(), weights.dtype, **options)
        with graph.colocate_with(above.op):
            above = assign_moving_average(above, tensor * weights, decay, zero_debias=False)
        with graph.colocate_with(below.op):
            below = assign_moving_average(below, weights, decay, zero_debias=False)
        result: Tensor = above / below if truediv else above // below
        return result


class ExponentialMovingAverage:
    """Keeps moving averages of variables in slots `variable/ExponentialMovingAverage`.

    Args:
        decay: a number near 1, or a tensor.
        num_updates: a step counter; the decay is then at most `(1 + num_updates) / (10 + num_updates)`.
        zero_debias: correct the averages of tensors, which start at zero.
        name: last part of the slots' names.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     v = tf.Variable(1.0)
        ...     ema = tf.train.ExponentialMovingAverage(0.5)
        ...     update = ema.apply([v])
        ...     sess.run(tf.global_variables_initializer())
        ...     _ = sess.run(v.assign(3.0))
        ...     sess.run(update)
        ...     print(sess.run(ema.average(v)))
        2.0
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = _checked_decay(decay)
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """The last part of the slots' names."""
        return self._name

    def apply(self, var_list: Sequence[Any] | None = None) -> Operation:
        """An operation that moves the averages of `var_list` (by default the trainable variables) on.

        Raises:
            TypeError: an item is not of a floating dtype.
        """
        items = trainable_variables() if var_list is None else list(var_list)
        debias = set()
        for item in items:
            if item.dtype.base_dtype not in (bfloat16, float16, float32, float64):
                raise TypeError(f"The variables must be half, float, or double: {item.name}")
            if item not in self._averages:
                self._averages[item] = self._new_average(item)
                if self._zero_debias and not isinstance(item, Variable):
                    debias.add(item)
        graph = get_default_graph()
        with graph.name_scope(self._name) as scope:
            decay = self._current_decay()
            updates = [assign_moving_average(self._averages[i], i, decay, zero_debias=i in debias) for i in items]
            return group_operations(updates, scope)

    def _new_average(self, item: Any) -> Any:
        with init_scope():
            if not isinstance(item, Variable):
                colocate = item.op.type in ("Variable", "VariableV2", "VarHandleOp")
                return slot_creator.create_zeros_slot(item, self._name, colocate_with_primary=colocate)
            add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, item)
            return slot_creator.create_slot(item, item.initialized_value(), self._name)

    def _current_decay(self) -> Tensor:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        updates = identity(cast(self._num_updates, float32))
        return minimum(decay, (1.0 + updates) / (10.0 + updates))

    def average(self, var: Any) -> Any:
        """The variable that holds the average of `var`, or None."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name of the variable that holds, or will hold, the average of `var`."""
        if var in self._averages:
            name: str = self._averages[var].op.name
            return name
        return get_default_graph().unique_name(f"{var.op.name}/{self._name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Sequence[Any] | None = None) -> dict[str, Any]:
        """For a Saver that restores averages in place of the variables: variables by the name to read them from."""
        if moving_avg_variables is None:
            moving_avg_variables = trainable_variables() + moving_average_variables()
        averaged = dict.fromkeys(moving_avg_variables)
        found = {self.average_name(v): v for v in averaged}
        names = {v.name for v in averaged}
        for variable in global_variables():
            if variable.name not in names and variable.op.name not in found:
                found[variable.op.name] = variable
        return found
