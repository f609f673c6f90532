"""Summary messages for plugins of TensorBoard: PR curves, HParams, layouts of scalars."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf.struct_pb2 import Value

from ..protos import (
    HParamsPluginData,
    Layout,
    PrCurvePluginData,
    SessionEndInfo,
    SessionStartInfo,
    Status,
    Summary,
    SummaryMetadata,
)
from ..tensor_proto import make_tensor_proto

THRESHOLDS: Final = 201  # of a PR curve where nothing is said
SMALLEST_COUNT: Final = 1e-7  # what counts are divided by at least: weights may make them smaller than 1
LAYOUT_TAG: Final = "custom_scalars__config__"
START_TAG: Final = "_hparams_/session_start_info"
END_TAG: Final = "_hparams_/session_end_info"

Array = npt.NDArray[Any]


# PR curves


def checked_thresholds(name: str, count: Any) -> int:
    """The number of thresholds of a PR curve, 201 where nothing is said.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is less than 2.
    """
    if count is None:
        return THRESHOLDS
    if isinstance(count, bool) or not isinstance(count, int | np.integer):
        raise TypeError(f"summary {name!r}: num_thresholds must be a whole number, got {count!r}")
    if count < 2:
        raise ValueError(f"summary {name!r}: a PR curve needs at least 2 thresholds, got {count}")
    return int(count)


def pr_curve_metadata(
    name: str, thresholds: int, display_name: str | None = None, description: str | None = None
) -> SummaryMetadata:
    """What TensorBoard must know of a PR curve beside its tensor; raises as `checked_thresholds`."""
    thresholds = checked_thresholds(name, thresholds)
    content = PrCurvePluginData(num_thresholds=thresholds).SerializeToString()
    return SummaryMetadata(
        display_name=name if display_name is None else display_name,
        summary_description=description or "",
        plugin_data=SummaryMetadata.PluginData(plugin_name="pr_curves", content=content),
    )


def pr_curve_pb(
    name: str,
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    num_thresholds: int | None = None,
    weights: npt.ArrayLike | None = None,
    display_name: str | None = None,
    description: str | None = None,
) -> Summary:
    """A summary with precision and recall at evenly spaced thresholds, as TensorBoard's `pr_curve_pb`.

    Args:
        name: the tag is `name/pr_curves`.
        labels: booleans, or 0 and 1: which of the examples are positive.
        predictions: of the shape of `labels`: how probable the model finds that; what is beyond 0 and 1 is cut.
        num_thresholds: how many, from 0 to 1; 201 if None.
        weights: of the examples, of their shape or broadcast to it.
        display_name: what TensorBoard calls the curve.
        description: what it says about it (Markdown).

    Raises:
        TypeError: labels, predictions or weights that are no numbers, `num_thresholds` that is no whole number.
        ValueError: shapes that differ, labels other than 0 and 1, predictions or weights that are NaN, less than two
            thresholds.
    """
    count = checked_thresholds(name, num_thresholds)
    truth, chances = _numbers(name, "labels", labels), _numbers(name, "predictions", predictions)
    is_true = truth == 1
    if truth.shape != chances.shape or np.isnan(chances).any():
        shapes = f"{list(truth.shape)} and {list(chances.shape)}"
        raise ValueError(f"summary {name!r}: expected labels and predictions of one shape, without NaN, got {shapes}")
    if (odd := truth[~is_true & (truth != 0)]).size:
        raise ValueError(f"summary {name!r}: labels must be booleans, or 0 and 1, got {odd[0]:g}")
    places = np.floor(chances.clip(0, 1) * (count - 1)).astype(np.int64).reshape(-1)
    shares = _shares(name, weights, truth.shape)
    positive, negative = (
        np.bincount(places, (shares * chosen).reshape(-1), count)[::-1].cumsum()[::-1] for chosen in (is_true, ~is_true)
    )
    return pr_curve_raw_data_pb(
        name, positive, negative, negative[0] - negative, positive[0] - positive,
        positive / np.maximum(SMALLEST_COUNT, positive + negative), positive / max(SMALLEST_COUNT, positive[0]),
        count, display_name, description,
    )  # fmt: skip


def _numbers(name: str, what: str, values: Any) -> Array:
    array = np.asarray(values)
    # V are the kinds that NumPy does not know itself, such as bfloat16.
    if array.dtype.kind not in "biufV":
        raise TypeError(f"summary {name!r}: {what} must be numbers, got {array.dtype.name}: {values!r:.80}")
    return array.astype(np.float64)


def _shares(name: str, weights: Any, shape: tuple[int, ...]) -> Array:
    """The weight of each example."""
    given = _numbers(name, "weights", 1.0 if weights is None else weights)
    if np.isnan(given).any():
        raise ValueError(f"summary {name!r}: weights must be numbers, got NaN")
    try:
        return np.broadcast_to(given, shape)
    except ValueError:
        raise ValueError(
            f"summary {name!r}: weights of shape {list(given.shape)} do not fit labels of shape {list(shape)}"
        ) from None


def pr_curve_raw_data_pb(
    name: str,
    true_positive_counts: npt.ArrayLike,
    false_positive_counts: npt.ArrayLike,
    true_negative_counts: npt.ArrayLike,
    false_negative_counts: npt.ArrayLike,
    precision: npt.ArrayLike,
    recall: npt.ArrayLike,
    num_thresholds: int | None = None,
    display_name: str | None = None,
    description: str | None = None,
) -> Summary:
    """A summary of a PR curve that was computed elsewhere: six vectors over thresholds from 0 to 1.

    Raises:
        ValueError: vectors of different lengths, or not of `num_thresholds` numbers.
    """
    rows = [
        true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision, recall,
    ]  # fmt: skip
    table = np.stack([np.asarray(row, np.float32) for row in rows])
    count = table.shape[-1] if num_thresholds is None else num_thresholds
    if table.shape != (6, count):
        raise ValueError(f"summary {name!r}: expected 6 vectors of {count} numbers, got shape {list(table.shape)}")
    metadata = pr_curve_metadata(name, count, display_name, description)
    value = Summary.Value(tag=f"{name}/pr_curves", metadata=metadata, tensor=make_tensor_proto(table))
    return Summary(value=[value])


# Custom scalars


def layout_metadata() -> SummaryMetadata:
    """What tells TensorBoard that a string is a layout."""
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="custom_scalars"))


def custom_scalar_pb(scalars_layout: Layout) -> Summary:
    """A summary with the layout of the page "Custom scalars", as TensorBoard's `custom_scalar_pb`."""
    text = make_tensor_proto(layout_bytes(scalars_layout))
    return Summary(value=[Summary.Value(tag=LAYOUT_TAG, metadata=layout_metadata(), tensor=text)])


def layout_bytes(layout: Any) -> bytes:
    """A layout, which may be TensorBoard's own message, as bytes; TypeError for anything else."""
    if type(layout).__name__ != "Layout" or not hasattr(layout, "SerializeToString"):
        raise TypeError(f"scalars_layout must be a Layout message, got {layout!r:.200}")
    return bytes(layout.SerializeToString())


# HParams


def session_start_pb(
    hparams: Mapping[str, Any],
    model_uri: str = "",
    monitor_url: str = "",
    group_name: str = "",
    start_time_secs: float | None = None,
) -> Summary:
    """A summary that says with which hyperparameters a run starts, as TensorBoard's `session_start_pb`.

    Args:
        hparams: values by name: booleans, numbers and strings as they are; None, lists, dicts, infinities and NaN as
            their text.
        model_uri: where the model is.
        monitor_url: where the run can be watched.
        group_name: runs of one group are shown as one, with the mean of their metrics.
        start_time_secs: seconds since 1970; now if None.

    Raises:
        TypeError: no mapping, a name that is no text, or a value of another type; the text names it.
    """
    values = {name: _hparam(name, value) for name, value in _named(hparams).items()}
    started = time.time() if start_time_secs is None else start_time_secs
    info = SessionStartInfo(
        model_uri=model_uri, monitor_url=monitor_url, group_name=group_name, start_time_secs=started
    )
    for name, value in values.items():
        info.hparams[name].CopyFrom(value)
    return _hparams_summary(START_TAG, HParamsPluginData(session_start_info=info))


def session_end_pb(status: Any = Status.STATUS_SUCCESS, end_time_secs: float | None = None) -> Summary:
    """A summary that says how a run ended, as TensorBoard's `session_end_pb`."""
    ended = time.time() if end_time_secs is None else end_time_secs
    return _hparams_summary(
        END_TAG, HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=ended))
    )


def hparams_pb(
    hparams: Mapping[str, Any], trial_id: str | None = None, start_time_secs: float | None = None
) -> Summary:
    """`session_start_pb` by the name and arguments of `tensorboard.plugins.hparams.api`.

    The group is `trial_id`; if None, runs with the same values are one group.
    """
    plain = {name: _plain(value) for name, value in _named(hparams).items()}
    group = json.dumps(plain, sort_keys=True, default=str) if trial_id is None else trial_id
    return session_start_pb(hparams, group_name=group, start_time_secs=start_time_secs)


def _named(hparams: Any) -> Mapping[str, Any]:
    if not isinstance(hparams, Mapping):
        raise TypeError(f"hyperparameters must be values by name, got {hparams!r:.200}")
    if odd := [name for name in hparams if not isinstance(name, str)]:
        raise TypeError(f"the name of a hyperparameter must be text, got {odd[0]!r:.200}")
    return hparams


def _plain(value: Any) -> Any:
    is_scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if is_scalar else value


def _hparam(name: str, value: Any) -> Value:
    plain = _plain(value)
    if isinstance(plain, bool):
        return Value(bool_value=plain)
    if isinstance(plain, int | float):
        # JSON has no infinity and no NaN: TensorBoard leaves such a number out.
        return Value(number_value=plain) if math.isfinite(plain) else Value(string_value=str(plain))
    if isinstance(plain, str):
        return Value(string_value=plain)
    if plain is None or isinstance(plain, list | tuple | dict):
        return Value(string_value=str(plain))
    raise TypeError(f"hyperparameter {name!r}: expected a boolean, number or string, got {value!r:.200}")


def _hparams_summary(tag: str, data: HParamsPluginData) -> Summary:
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    # All is in the metadata; TensorBoard wants a tensor all the same.
    empty = make_tensor_proto(np.zeros(0, np.float32))
    return Summary(value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=empty)])
