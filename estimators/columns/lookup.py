"""Rows of a table for columns of one category an example, without sparse tensors."""

from __future__ import annotations

from typing import Any

from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import reshape
from ...engine.ops.array_sets import unique
from ...engine.ops.binary import maximum
from ...engine.ops.choice import where_v2
from ...engine.ops.indexing import gather
from ...engine.ops.nn_embedding import embedding_lookup
from .base import Batch, CategoricalColumn


def row_of_each(table: Any, column: CategoricalColumn, batch: Batch, name: str) -> Tensor | None:
    """The row of `table` [categories, n] of each example's category, zeros where it has none, [batch, n].

    None where examples may have several categories. The numbers and the gradients are those of
    `safe_embedding_lookup_sparse`, whatever the combiner: an example without a category takes row 0 times nothing.
    """
    one = batch.one_id(column)
    if one is None:
        return None
    with get_default_graph().name_scope(name):
        counted = one.counted()
        ids = reshape(counted, [-1])
        # Each row is taken once, so that its gradients are added up before anything looks at them.
        chosen, places = unique(maximum(ids, 0) if one.can_be_left_out else ids)
        rows = gather(embedding_lookup(table, chosen, "div"), places)
        found: Tensor = where_v2(counted >= 0, rows, 0.0) if one.can_be_left_out else rows
        return found
