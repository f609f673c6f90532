"""The names of TensorFlow 1.15's `tf.contrib.deprecated`."""

from ..engine.ops.summaries import (
    audio_summary,
    histogram_summary,
    image_summary,
    merge_all_summaries,
    merge_summary,
    scalar_summary,
)

__all__ = [
    "audio_summary", "histogram_summary", "image_summary", "merge_all_summaries", "merge_summary", "scalar_summary",
]  # fmt: skip
