"""The names of `tensorflow.python.profiler.model_analyzer`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.profiler.profiler import Profiler, advise, profile

__all__ = [
    "Profiler", "advise", "profile",
]  # fmt: skip

_PLACES: Places = {
    "Profiler": ("...engine.profiler.profiler", "Profiler"),
    "advise": ("...engine.profiler.profiler", "advise"),
    "profile": ("...engine.profiler.profiler", "profile"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
