"""What all metrics are made of: local variables that add up over batches, and a value and an update in collections."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import DType, float32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array_parts import zeros
from ...engine.scopes import GraphKeys
from ...engine.variable_protos import VariableAggregation
from ...engine.variables import Variable

# The value over all batches so far, and the op that adds a batch and gives the new value.
Metric = tuple[Tensor, Tensor]


def metric_variable(shape: Any, dtype: DType = float32, validate_shape: bool = True, name: str | None = None) -> Any:
    """A local variable that starts at zero; it belongs to METRIC_VARIABLES, and ranks add theirs up."""
    return Variable(
        lambda: zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape,
        name=name,
        dtype=dtype,
        aggregation=VariableAggregation.SUM,
    )


def collected(value: Tensor, update: Tensor, metrics_collections: Any, updates_collections: Any) -> Metric:
    """The metric, added to the collections that were asked for (a name or a list of names each)."""
    graph = get_default_graph()
    if metrics_collections:
        graph.add_to_collections(metrics_collections, value)
    if updates_collections:
        graph.add_to_collections(updates_collections, update)
    return value, update
