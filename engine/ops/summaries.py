"""Summary ops: values of a step as Summary messages for event files, and tf.summary with its older names."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, REAL, float32, string, uint8
from ..errors import InvalidArgumentError
from ..graph import Tensor, get_default_graph
from ..inference import InferenceContext, scalar_shape
from ..registry import op
from ..samples import Failure, Sample
from ..scopes import GraphKeys, name_scope
from ..shapes import Sizes, merge_sizes

# The messages and encoders are imported in the kernels: a graph can be built without them.

_log = logging.getLogger("absl")
_NOT_IN_TAGS = re.compile(r"[^-/\w\.]")


@op("ScalarSummary", "tags: string, values: T", "summary: string", foldable=False, T=REAL)
def scalar_summary_op(tags: Any, values: Any, *, name: str | None = None) -> Tensor:
    """A summary of numbers, one tag each."""


@scalar_summary_op.shape
def scalar_summary_shape(context: InferenceContext) -> list[Sizes]:
    merge_sizes(context.sizes[0], context.sizes[1])
    return [()]


@scalar_summary_op.kernel
def scalar_summary_kernel(xp: Any, tags: Any, values: Any) -> Any:
    from ..summary.values import scalar as one

    if np.shape(tags) != np.shape(values):
        raise InvalidArgumentError(
            None, None, f"tags and values are not the same shape: {np.shape(tags)} != {np.shape(values)}"
        )
    parts = [one(_text(t), v) for t, v in zip(np.ravel(tags), np.ravel(values), strict=True)]
    return b"".join(p.SerializeToString() for p in parts)


@scalar_summary_op.samples
def scalar_summary_samples(rng: np.random.Generator) -> list[Sample]:
    tags = np.array([b"a", b"b"], object)
    return [
        Sample((np.array(b"loss", object), np.float32(0.5)), differentiable=False),
        Sample((tags, np.array([1, 2], np.int64)), differentiable=False),
    ]


@op("HistogramSummary", "tag: string, values: T", "summary: string", shape=scalar_shape, foldable=False, T=REAL)
def histogram_summary_op(tag: Any, values: Any, *, name: str | None = None) -> Tensor:
    """A summary of how values are distributed."""


@histogram_summary_op.kernel
def histogram_summary_kernel(xp: Any, tag: Any, values: Any) -> Any:
    from ..summary.values import histogram as one

    return one(_tag(tag), values).SerializeToString()


@histogram_summary_op.samples
def histogram_summary_samples(rng: np.random.Generator) -> list[Sample]:
    tag = np.array(b"w", object)
    return [Sample((tag, v), differentiable=False) for v in (rng.normal(size=(3, 4)), np.arange(5), np.zeros(0))]


@histogram_summary_op.failing
def histogram_summary_failing(rng: np.random.Generator) -> list[Failure]:
    values = np.array([1.0, np.nan])
    return [Failure((np.array(b"w", object), values), InvalidArgumentError, "Nan in summary histogram", at_run=True)]


@op("ImageSummary", "tag: string, tensor: T", "summary: string", shape=scalar_shape, foldable=False,
    T=(*FLOATING, uint8))  # fmt: skip
def image_summary_op(
    tag: Any, tensor: Any, *, max_images: int = 3, bad_color: np.ndarray | None = None, name: str | None = None
) -> Tensor:
    """A summary with PNG pictures of [number, height, width, channels]."""


@image_summary_op.kernel
def image_summary_kernel(xp: Any, tag: Any, tensor: Any, *, max_images: int, bad_color: Any) -> Any:
    from ..summary.values import BAD_COLOR, image as one

    color = BAD_COLOR if bad_color is None else np.ravel(bad_color).tolist()
    return one(_tag(tag), tensor, max_images, color).SerializeToString()


@image_summary_op.samples
def image_summary_samples(rng: np.random.Generator) -> list[Sample]:
    tag = np.array(b"i", object)
    return [
        Sample((tag, rng.random((2, 3, 4, c), np.float32)), {"max_images": m}, differentiable=False)
        for c, m in ((1, 3), (3, 1))
    ]


@op("AudioSummaryV2", "tag: string, tensor: float32, sample_rate: float32", "summary: string", shape=scalar_shape,
    foldable=False)  # fmt: skip
def audio_summary_op(
    tag: Any, tensor: Any, sample_rate: Any, *, max_outputs: int = 3, name: str | None = None
) -> Tensor:
    """A summary with WAV files of [number, frames, channels] from -1 to 1."""


@audio_summary_op.kernel
def audio_summary_kernel(xp: Any, tag: Any, tensor: Any, sample_rate: Any, *, max_outputs: int) -> Any:
    from ..summary.values import audio as one

    return one(_tag(tag), tensor, float(sample_rate), max_outputs).SerializeToString()


@audio_summary_op.samples
def audio_summary_samples(rng: np.random.Generator) -> list[Sample]:
    clips = rng.uniform(-1, 1, (2, 5, 1)).astype(np.float32)
    return [Sample((np.array(b"a", object), clips, np.float32(8000)), differentiable=False)]


@op("TensorSummaryV2", "tag: string, tensor: T, serialized_summary_metadata: string", "summary: string",
    shape=scalar_shape, foldable=False)  # fmt: skip
def tensor_summary_op(tag: Any, tensor: Any, serialized_summary_metadata: Any, *, name: str | None = None) -> Tensor:
    """A summary of a tensor, with the metadata that tells TensorBoard which plugin shows it."""


@tensor_summary_op.kernel
def tensor_summary_kernel(xp: Any, tag: Any, tensor: Any, metadata: Any) -> Any:
    from ..protos import Summary, SummaryMetadata
    from ..tensor_proto import make_tensor_proto

    parsed = SummaryMetadata.FromString(np.asarray(metadata).item())
    value = Summary.Value(tag=_tag(tag), tensor=make_tensor_proto(np.asarray(tensor)), metadata=parsed)
    return Summary(value=[value]).SerializeToString()


@tensor_summary_op.samples
def tensor_summary_samples(rng: np.random.Generator) -> list[Sample]:
    tag, metadata = np.array(b"t", object), np.array(b"", object)
    return [Sample((tag, v, metadata), differentiable=False) for v in (np.arange(3), np.array([b"x"], object))]


@op("MergeSummary", "inputs: N * string", "summary: string", shape=scalar_shape, foldable=False)
def merge_summary_op(inputs: Any, *, name: str | None = None) -> Tensor:
    """One summary with the values of many; InvalidArgumentError for a tag that comes twice."""


@merge_summary_op.kernel
def merge_summary_kernel(xp: Any, inputs: Any) -> Any:
    from ..summary.values import merged

    return merged([s for i in inputs for s in np.ravel(i)]).SerializeToString()


@merge_summary_op.samples
def merge_summary_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([np.array(b"", object), np.array([b"", b""], object)],), differentiable=False)]


for _definition in (
    scalar_summary_op, histogram_summary_op, image_summary_op, audio_summary_op, tensor_summary_op, merge_summary_op,
):  # fmt: skip
    _definition.not_differentiable = True


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _tag(tag: Any) -> str:
    if np.size(tag) != 1:
        raise InvalidArgumentError(None, None, f"tags must be scalar, got shape {np.shape(tag)}")
    return _text(np.asarray(tag).item())


# tf.summary


class _Scope:
    """The name scope of a summary, and its tag."""

    def __init__(self, name: str, family: str | None, default: str, values: Sequence[Any]) -> None:
        clean, self.family = clean_tag(name), None if family is None else clean_tag(family)
        self.scope = name_scope(f"{self.family}/{clean}" if self.family else clean, default, values)

    def __enter__(self) -> tuple[str, str]:
        scope = self.scope.__enter__()
        path = scope.rstrip("/")
        return f"{self.family}/{path}" if self.family else path, scope

    def __exit__(self, *error: Any) -> None:
        self.scope.__exit__(*error)


def clean_tag(name: str) -> str:
    """`name` with what no name of an operation may hold replaced by `_`."""
    cleaned = _NOT_IN_TAGS.sub("_", name).lstrip("/")
    if cleaned != name:
        _log.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


def _collected(summary: Tensor, collections: Sequence[str] | None, default: Sequence[str] = ()) -> Tensor:
    for key in default if collections is None else collections:
        get_default_graph().add_to_collection(key, summary)
    return summary


_DEFAULT = (GraphKeys.SUMMARIES,)


def scalar(name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None) -> Tensor:
    """A summary of one number, as tf.summary.scalar of TF 1.15.

    Args:
        name: of the node; with the scopes around it, it is the tag.
        tensor: a real scalar.
        collections: the collections it is added to; the summaries that `merge_all` takes if None.
        family: put before the tag, which groups summaries in TensorBoard.

    Returns:
        A string scalar: a serialized Summary.
    """
    with _Scope(name, family, "ScalarSummary", [tensor]) as (tag, scope):
        return _collected(scalar_summary_op(tag, tensor, name=scope), collections, _DEFAULT)


def histogram(name: str, values: Any, collections: Sequence[str] | None = None, family: str | None = None) -> Tensor:
    """A summary of how `values` (any shape) are distributed; arguments as for `scalar`."""
    with _Scope(name, family, "HistogramSummary", [values]) as (tag, scope):
        return _collected(histogram_summary_op(tag, values, name=scope), collections, _DEFAULT)


def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary with pictures of uint8 or floating `[number, height, width, 1, 3 or 4]`; the first `max_outputs`."""
    with _Scope(name, family, "ImageSummary", [tensor]) as (tag, scope):
        summary = image_summary_op(tag, tensor, max_images=max_outputs, name=scope)
        return _collected(summary, collections, _DEFAULT)


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary with sound: float32 `[number, frames, channels]` or `[number, frames]` from -1 to 1."""
    with _Scope(name, family, "AudioSummary", [tensor]) as (tag, scope):
        rate = convert_to_tensor(sample_rate, float32, "sample_rate")
        summary = audio_summary_op(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return _collected(summary, collections, _DEFAULT)


def text(name: str, tensor: Any, collections: Sequence[str] | None = None) -> Tensor:
    """A summary of strings (Markdown; an array is shown as a table); ValueError for other dtypes."""
    tensor = convert_to_tensor(tensor)
    if tensor.dtype.base_dtype != string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype.name}")
    return tensor_summary(name, tensor, collections=collections, summary_metadata=_plugin_metadata("text"))


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: Any = None,
    collections: Sequence[str] | None = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Tensor:
    """A summary of a tensor of any dtype.

    Args:
        name: of the node and, with the scopes around it, the tag.
        tensor: what to keep.
        summary_description: an older form of `summary_metadata`, accepted.
        collections: as for `scalar`.
        summary_metadata: a SummaryMetadata message: the plugin and how it shows the tensor.
        family: as for `scalar`.
        display_name: what TensorBoard calls it.
    """
    from ..protos import SummaryMetadata

    metadata = SummaryMetadata()
    if summary_metadata is not None:
        metadata.MergeFromString(summary_metadata.SerializeToString())
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = json.dumps({"description": str(summary_description)})
    with _Scope(name, family, "TensorSummary", [tensor]) as (tag, scope):
        summary = tensor_summary_op(tag, tensor, metadata.SerializeToString(), name=scope)
        return _collected(summary, collections, _DEFAULT)


def _plugin_metadata(plugin: str) -> Any:
    from ..protos import SummaryMetadata

    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin))


def merge(inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """One summary with the values of all `inputs`."""
    with name_scope(name, "Merge", list(inputs)):
        return _collected(merge_summary_op(list(inputs), name=name), collections)


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """One summary with the values of all in a collection; None if there are none."""
    summaries = get_default_graph().get_collection(key, scope)
    return merge(summaries, name=name) if summaries else None


def get_summary_description(node_def: Any) -> Any:
    """The description of a TensorSummary node as the dictionary that it is in JSON; ValueError for other nodes."""
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    return json.loads(node_def.attr["description"].s.decode())


# The names before TensorFlow 1.0


def scalar_summary(tags: Any, values: Any, collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """A summary of numbers, one tag each, as before TensorFlow 1.0; the tags are taken as they are."""
    with name_scope(name, "ScalarSummary", [tags, values]) as scope:
        return _collected(scalar_summary_op(tags, values, name=scope), collections, _DEFAULT)


def histogram_summary(
    tag: Any, values: Any, collections: Sequence[str] | None = None, name: str | None = None
) -> Tensor:
    """A summary of how values are distributed, as before TensorFlow 1.0."""
    with name_scope(name, "HistogramSummary", [tag, values]) as scope:
        return _collected(histogram_summary_op(tag, values, name=scope), collections, _DEFAULT)


def image_summary(
    tag: Any, tensor: Any, max_images: int = 3, collections: Sequence[str] | None = None, name: str | None = None
) -> Tensor:
    """A summary with pictures, as before TensorFlow 1.0."""
    with name_scope(name, "ImageSummary", [tag, tensor]) as scope:
        return _collected(image_summary_op(tag, tensor, max_images=max_images, name=scope), collections, _DEFAULT)


def audio_summary(
    tag: Any,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    name: str | None = None,
) -> Tensor:
    """A summary with sound, as before TensorFlow 1.0."""
    with name_scope(name, "AudioSummary", [tag, tensor]) as scope:
        rate = convert_to_tensor(sample_rate, float32, "sample_rate")
        summary = audio_summary_op(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return _collected(summary, collections, _DEFAULT)


def merge_summary(inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """One summary with the values of all `inputs`, as before TensorFlow 1.0."""
    with name_scope(name, "MergeSummary", list(inputs)):
        return _collected(merge_summary_op(list(inputs), name=name), collections)


def merge_all_summaries(key: str = GraphKeys.SUMMARIES) -> Tensor | None:
    """One summary with the values of all in a collection; None if there are none. As before TensorFlow 1.0."""
    summaries = get_default_graph().get_collection(key)
    return merge_summary(summaries) if summaries else None
