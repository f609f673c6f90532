"""Summaries for plugins of TensorBoard as parts of the graph: PR curves and layouts of scalars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import bool as boolean, float32, float64, int32
from ..graph import Tensor
from ..scopes import name_scope
from ..shapes import TensorShape
from .array import reshape, stack
from .array_shape import broadcast_static_shape
from .binary import maximum
from .casting import cast
from .choice import clip_by_value
from .constant import constant
from .division import divide
from .rounding import floor
from .scans import cumsum
from .segments import unsorted_segment_sum
from .summaries import tensor_summary

# The messages are imported where one is made, as in the other summaries.


def pr_curve(
    name: str,
    labels: Any,
    predictions: Any,
    num_thresholds: int | None = None,
    weights: Any = None,
    display_name: str | None = None,
    description: str | None = None,
    collections: Sequence[str] | None = None,
) -> Tensor:
    """A summary with precision and recall of a step's predictions, as `tensorboard.plugins.pr_curve.summary.op`.

    Args:
        name: the tag is `name/pr_curves`, with the scopes around it.
        labels: booleans of any shape.
        predictions: numbers, of the same shape; what is beyond 0 and 1 is cut. An example whose prediction is NaN counts
            nowhere, as in TensorBoard.
        num_thresholds: how many, evenly spaced from 0 to 1; 201 if None.
        weights: of the examples; of the same shape or broadcast to it.
        display_name: what TensorBoard calls the curve.
        description: what it says about it (Markdown).
        collections: those it is added to; the summaries that `merge_all` takes if None.

    Returns:
        A string scalar: a serialized Summary with a tensor float32 [6, num_thresholds].

    Raises:
        TypeError: labels that are not booleans, predictions or weights that are no numbers, `num_thresholds` that is no
            whole number.
        ValueError: shapes that differ, less than two thresholds.
    """
    from ..summary.plugins import SMALLEST_COUNT, checked_thresholds

    count = checked_thresholds(name, num_thresholds)
    with name_scope(name, values=[labels, predictions, weights]):
        truth, chances = convert_to_tensor(labels), _counted(name, "predictions", predictions)
        if truth.dtype.base_dtype != boolean:
            raise TypeError(f"summary {name!r}: labels must be bool, got {truth.dtype.base_dtype.name}")
        truth.shape.assert_is_compatible_with(chances.shape)
        places = reshape(cast(floor(clip_by_value(chances, 0.0, 1.0) * (count - 1)), int32), [-1])
        is_true = cast(truth, chances.dtype)
        weight = 1.0 if weights is None else cast(_counted(name, "weights", weights), chances.dtype)
        _check_weights(name, weight, chances)
        found, false = (
            cumsum(unsorted_segment_sum(reshape(share * weight, [-1]), places, count), reverse=True, name=label)
            for share, label in ((is_true, "tp"), (1.0 - is_true, "fp"))
        )
        precision = divide(found, maximum(found + false, SMALLEST_COUNT))
        recall = divide(found, maximum(found[0], SMALLEST_COUNT))
        rows = [found, false, false[0] - false, found[0] - found, precision, recall]
        return curve_summary(name, rows, count, display_name, description, collections)


def _counted(name: str, what: str, values: Any) -> Tensor:
    """Numbers as float32 or float64: smaller ones do not count far."""
    tensor = convert_to_tensor(values)
    dtype = tensor.dtype.base_dtype
    if not (dtype.is_floating or dtype.is_integer or dtype == boolean):
        raise TypeError(f"summary {name!r}: {what} must be real numbers, got {dtype.name}")
    return tensor if dtype == float64 else cast(tensor, float32)


def _check_weights(name: str, weights: Any, labels: Tensor) -> None:
    """Raises ValueError for weights that have more elements than the labels."""
    sizes = weights.shape if isinstance(weights, Tensor) else ()
    try:
        labels.shape.assert_is_compatible_with(broadcast_static_shape(TensorShape(sizes), labels.shape))
    except ValueError:
        raise ValueError(
            f"summary {name!r}: weights of shape {sizes} do not fit labels of shape {labels.shape}"
        ) from None


def pr_curve_raw_data_op(
    name: str,
    true_positive_counts: Any,
    false_positive_counts: Any,
    true_negative_counts: Any,
    false_negative_counts: Any,
    precision: Any,
    recall: Any,
    num_thresholds: int | None = None,
    display_name: str | None = None,
    description: str | None = None,
    collections: Sequence[str] | None = None,
) -> Tensor:
    """A summary of a PR curve that was computed elsewhere: six vectors over thresholds from 0 to 1.

    Raises:
        ValueError: `num_thresholds` is None and the vectors' length is not known, or is another one.
    """
    rows = [
        true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision, recall,
    ]  # fmt: skip
    with name_scope(name, values=rows):
        tensors = [convert_to_tensor(row) for row in rows]
        count = tensors[0].sizes[0] if num_thresholds is None and tensors[0].sizes else num_thresholds
        if count is None:
            raise ValueError(f"summary {name!r}: give num_thresholds, as the length of the counts is not known")
        for tensor in tensors:
            if not tensor.shape.is_compatible_with([count]):
                raise ValueError(f"summary {name!r}: expected vectors of {count} numbers, got shape {tensor.shape}")
        return curve_summary(name, tensors, count, display_name, description, collections)


def curve_summary(
    name: str,
    rows: Sequence[Any],
    thresholds: int,
    display_name: str | None,
    description: str | None,
    collections: Sequence[str] | None,
) -> Tensor:
    """The summary `pr_curves` of six vectors, in the scope that is open."""
    from ..summary.plugins import pr_curve_metadata

    metadata = pr_curve_metadata(name, thresholds, display_name, description)
    table = stack([cast(row, float32) for row in rows])
    return tensor_summary("pr_curves", table, collections=collections, summary_metadata=metadata)


def custom_scalar(scalars_layout: Any, collections: Sequence[str] | None = None) -> Tensor:
    """A summary with the layout of TensorBoard's page "Custom scalars", as its `custom_scalar.summary.op`.

    Raises:
        TypeError: no Layout message.
    """
    from ..summary.plugins import LAYOUT_TAG, layout_bytes, layout_metadata

    text = constant(layout_bytes(scalars_layout))
    return tensor_summary(LAYOUT_TAG, text, collections=collections, summary_metadata=layout_metadata())
