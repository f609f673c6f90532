"""The names of `tensorflow.python.ops.histogram_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.ranges import histogram_fixed_width

__all__ = [
    "histogram_fixed_width",
]  # fmt: skip

_PLACES: Places = {
    "histogram_fixed_width": ("...engine.ops.ranges", "histogram_fixed_width"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
