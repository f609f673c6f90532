"""Metric: numbers that add up over batches, in variables; and the metrics that are means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ...engine.assignments import assign_add
from ...engine.dtypes import as_dtype
from ...engine.graph import Operation, Tensor, get_default_graph
from ...engine.ops.array import shape as shape_of
from ...engine.ops.array_parts import broadcast_to, ones, zeros
from ...engine.ops.casting import cast
from ...engine.ops.control import group
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_mean, reduce_sum
from ...engine.scopes import GraphKeys
from ...engine.variables import Variable
from ..base import snake_case
from .backend import get_session
from .graph_record import mask_of
from .loss_shapes import as_tensor, same_rank, with_mask

# The types of operations that may change a variable.
_WRITING = re.compile(r"Assign|(Resource)?Scatter|(Stateless)?(If|While|Case)$|.*PartitionedCall$")
# Those of them that add to it.
_ADDING = re.compile(r"Assign(Add|Sub)|(Resource)?Scatter(Nd)?(Add|Sub)$")
# How the values that several ranks have of a variable are made one.
_AGGREGATIONS = ("sum", "mean", "only_first_replica", "none")


class Metric:
    """A number over all batches so far.

    `update_state` gives the operation that adds a batch, `result` a tensor of the number: they build the graph, and a
    session runs them. Subclasses make variables by `add_variable` in the constructor and define the two; an `update_state`
    that gives nothing stands for all assignments that it made.

    Args:
        dtype: of the arithmetic, float32 by default.
        name: what the number is called in logs.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _collecting(cls.update_state)  # type: ignore[method-assign]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = as_dtype(dtype or "float32")
        self._variables: list[Any] = []
        # By variable, what `aggregation` said; and the variables that batches do not only add to.
        self._aggregations: dict[Any, str] = {}
        self._written: set[Any] = set()

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
        aggregation: Any = None,
    ) -> Any:
        """A variable of the metric that is not trained; `initializer` is "zeros", "ones" or a function of a shape.

        `aggregation`, "sum", "mean" or "only_first_replica" or a tf.VariableAggregation, says how the values of several
        ranks are made one. Without it they are added up if batches only add to the variable; else that is an error there.
        """
        kind = as_dtype(dtype or self.dtype)
        makers: dict[Any, Callable[..., Any]] = {"zeros": zeros, "ones": ones}
        make = makers.get(initializer) if isinstance(initializer, str) else initializer
        if make is None:
            raise ValueError(f"The initializer of a metric's variable is 'zeros', 'ones' or callable: {initializer!r}")
        collections = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
        scope = f"{self.name.strip('<>')}/{name or 'variable'}"
        with get_default_graph().name_scope(None):
            variable = Variable(
                lambda: make(shape, dtype=kind), trainable=False, collections=collections, name=scope, use_resource=True
            )
        self._variables.append(variable)
        if aggregation is not None:
            self._aggregations[variable._handle] = _aggregation_of(aggregation)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, name: Any = None, aggregation: Any = None
    ) -> Any:
        """`add_variable` under its other name; tf.keras 1.15 gave the name first, which is understood too."""
        if isinstance(shape, str):
            shape, name = (initializer if isinstance(initializer, list | tuple) else ()), shape
            initializer = "zeros"
        return self.add_variable(shape, initializer, dtype, name, aggregation)

    def aggregation_of(self, variable: Any) -> str:
        """How the values that ranks have of one of the metric's variables are made one.

        Raises:
            ValueError: nothing says it, and they do not add up.
        """
        handle = variable._handle
        way = self._aggregations.get(handle, "none" if handle in self._written else "sum")
        if way == "none":
            raise ValueError(
                f"The metric {self.name!r} ({type(self).__name__}) assigns its variable {variable.name!r} other values than "
                "sums over batches: on several ranks it cannot be told what they have together. Give add_weight an "
                "aggregation ('sum', 'mean' or 'only_first_replica'), or keep sums"
            )
        return way

    @property
    def variables(self) -> list[Any]:
        """The variables."""
        return list(self._variables)

    weights = variables

    def update_state(self, *args: Any, **kwargs: Any) -> Operation:
        """The operation that adds a batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state")

    def result(self) -> Any:
        """The tensor of the number over all batches so far."""
        raise NotImplementedError(f"{type(self).__name__} does not define result")

    def reset_state(self) -> None:
        """Starts from the beginning, at once, in the session of `keras.backend`."""
        if self._variables:
            get_session().run([v.initializer for v in self._variables])

    reset_states = reset_state

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The number with one more batch."""
        update = self.update_state(*args, **kwargs)
        with get_default_graph().control_dependencies([update]):
            return self.result()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """A metric with the constructor's arguments of `config`."""
        return cls(**config)


def _collecting(update_state: Callable[..., Any]) -> Callable[..., Any]:
    """An `update_state` that gives the operation of its assignments where it gives None itself."""

    @wraps(update_state)
    def collected(self: Metric, *args: Any, **kwargs: Any) -> Any:
        graph = get_default_graph()
        start = len(graph.get_operations())
        update = update_state(self, *args, **kwargs)
        starts = {v.initializer for v in self._variables}
        made = [op for op in graph.operations_since(start) if op not in starts and _WRITING.match(op.type)]
        if not type(self).__module__.startswith(__package__):
            own = {v._handle for v in self._variables}
            self._written |= {t for op in made if not _ADDING.match(op.type) for t in op.inputs if t in own}
        if update is not None:
            return update
        if not made:
            raise ValueError(
                f"update_state of the metric {self.name!r} ({type(self).__name__}) assigned no variable and gave no "
                "operation: let it return what assign_add or such gives"
            )
        return group(*made)

    return collected


def _aggregation_of(given: Any) -> str:
    way = str(getattr(given, "name", given)).lower()
    if way not in _AGGREGATIONS:
        raise ValueError(f"aggregation must be one of {', '.join(map(repr, _AGGREGATIONS))}, got {given!r}")
    return way


def add_to(variables: Sequence[Any], values: Sequence[Any]) -> Operation:
    """The operation that adds a value to each variable."""
    done = [assign_add(v, cast(value, v.dtype.base_dtype)) for v, value in zip(variables, values, strict=True)]
    return group(*done)


def _inner_axes(tensor: Tensor, first: int) -> list[int]:
    return list(range(first, tensor.shape.ndims or 0))


def by_sample(values: Any, sample_weight: Any, reduce: Callable[..., Any], dtype: Any) -> tuple[Tensor, Tensor | None]:
    """A value and a weight a sample, other dimensions reduced; weights None where none are given."""
    numbers = as_tensor(values, dtype)
    mask = mask_of(values)
    if sample_weight is None:
        return (reduce(numbers, axis=_inner_axes(numbers, 1)) if (numbers.shape.ndims or 0) > 1 else numbers), None
    weights = with_mask(as_tensor(sample_weight, dtype), mask, dtype, "sum")
    numbers, weights = same_rank(numbers, weights)
    rank = weights.shape.ndims or 0
    if (numbers.shape.ndims or 0) > rank:
        numbers = reduce(numbers, axis=_inner_axes(numbers, rank))
    weights = broadcast_to(weights, shape_of(numbers))
    numbers = numbers * weights
    if rank > 1:
        weights = reduce(weights, axis=_inner_axes(weights, 1))
    return (reduce(numbers, axis=_inner_axes(numbers, 1)) if (numbers.shape.ndims or 0) > 1 else numbers), weights


class Sum(Metric):
    """The weighted sum of values."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> Operation:
        return add_to([self.total], [reduce_sum(by_sample(values, sample_weight, reduce_sum, self.dtype)[0])])

    def result(self) -> Any:
        return as_tensor(self.total.read_value())


class Mean(Metric):
    """The weighted mean of values."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> Operation:
        numbers, weights = by_sample(values, sample_weight, reduce_mean, self.dtype)
        count: Any = 1.0
        if weights is not None:
            count = reduce_sum(weights)
        elif numbers.shape.ndims != 0:
            count = shape_of(numbers)[0]
        return add_to([self.total, self.count], [reduce_sum(numbers), count])

    def result(self) -> Any:
        return div_no_nan(self.total.read_value(), self.count.read_value())


class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)` of targets and predictions."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Operation:
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        return super().update_state(values, with_mask(sample_weight, mask_of(y_pred), self.dtype, "sum"))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        return {"fn": self._fn, **config} if type(self) is MeanMetricWrapper else config
