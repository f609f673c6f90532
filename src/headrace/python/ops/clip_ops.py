"""The names of `tensorflow.python.ops.clip_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.choice import clip_by_value
    from ...engine.ops.clipping import clip_by_average_norm, clip_by_global_norm, clip_by_norm, global_norm

__all__ = [
    "clip_by_average_norm", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm",
]  # fmt: skip

_PLACES: Places = {
    "clip_by_average_norm": ("...engine.ops.clipping", "clip_by_average_norm"),
    "clip_by_global_norm": ("...engine.ops.clipping", "clip_by_global_norm"),
    "clip_by_norm": ("...engine.ops.clipping", "clip_by_norm"),
    "clip_by_value": ("...engine.ops.choice", "clip_by_value"),
    "global_norm": ("...engine.ops.clipping", "global_norm"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
