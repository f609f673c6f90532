"""PR curves over many batches as summaries, as TensorBoard's pr_curve plugin makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.graph import Operation, Tensor
from ...engine.ops.binary import maximum
from ...engine.ops.control import group
from ...engine.ops.division import divide
from ...engine.ops.summary_plugins import curve_summary
from ...engine.scopes import add_to_collection, name_scope
from ...engine.summary.plugins import SMALLEST_COUNT, checked_thresholds
from .thresholds import (
    false_negatives_at_thresholds,
    false_positives_at_thresholds,
    true_negatives_at_thresholds,
    true_positives_at_thresholds,
)


def pr_curve_streaming_op(
    name: str,
    labels: Any,
    predictions: Any,
    num_thresholds: int | None = None,
    weights: Any = None,
    metrics_collections: Sequence[str] | None = None,
    updates_collections: Sequence[str] | None = None,
    display_name: str | None = None,
    description: str | None = None,
) -> tuple[Tensor, Operation]:
    """A summary with the PR curve of all batches so far, as `tensorboard.plugins.pr_curve.summary.streaming_op`.

    The counts are local variables, as those of tf.metrics. Arguments are those of `tf.summary.pr_curve`; the summary
    goes to the `metrics_collections` and the update to the `updates_collections`.

    Returns:
        The summary, a string scalar; and the operation that adds a batch.

    Raises:
        TypeError, ValueError: `num_thresholds` is no whole number from 2 on.
    """
    count = checked_thresholds(name, num_thresholds)
    thresholds = [i / (count - 1) for i in range(count)]
    with name_scope(name, values=[labels, predictions, weights]):
        (found, add_found), (false, add_false), (rejected, add_rejected), (missed, add_missed) = (
            metric(labels, predictions, thresholds, weights)
            for metric in (
                true_positives_at_thresholds,
                false_positives_at_thresholds,
                true_negatives_at_thresholds,
                false_negatives_at_thresholds,
            )
        )
        precision = divide(found, maximum(found + false, SMALLEST_COUNT))
        recall = divide(found, maximum(found + missed, SMALLEST_COUNT))
        rows = [found, false, rejected, missed, precision, recall]
        summary = curve_summary(name, rows, count, display_name, description, metrics_collections)
        update = group(add_found, add_false, add_rejected, add_missed)
        for collection in updates_collections or ():
            add_to_collection(collection, update)
        return summary, update
