"""The names of `tensorflow.python.profiler.option_builder`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.profiler.options import ProfileOptionBuilder

__all__ = [
    "ProfileOptionBuilder",
]  # fmt: skip

_PLACES: Places = {
    "ProfileOptionBuilder": ("...engine.profiler.options", "ProfileOptionBuilder"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
