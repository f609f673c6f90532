"""The names of `tensorflow.python.ops.logging_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.checking import Print, print_v2
    from ...engine.ops.summaries import (
        audio_summary,
        histogram_summary,
        image_summary,
        merge_all_summaries,
        merge_summary,
        scalar_summary,
    )

__all__ = [
    "Print", "audio_summary", "histogram_summary", "image_summary", "merge_all_summaries", "merge_summary",
    "print_v2", "scalar_summary",
]  # fmt: skip

_PLACES: Places = {
    "Print": ("...engine.ops.checking", "Print"),
    "audio_summary": ("...engine.ops.summaries", "audio_summary"),
    "histogram_summary": ("...engine.ops.summaries", "histogram_summary"),
    "image_summary": ("...engine.ops.summaries", "image_summary"),
    "merge_all_summaries": ("...engine.ops.summaries", "merge_all_summaries"),
    "merge_summary": ("...engine.ops.summaries", "merge_summary"),
    "print_v2": ("...engine.ops.checking", "print_v2"),
    "scalar_summary": ("...engine.ops.summaries", "scalar_summary"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
