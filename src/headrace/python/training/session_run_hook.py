"""The names of `tensorflow.python.training.session_run_hook`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

__all__ = [
    "SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues",
]  # fmt: skip

_PLACES: Places = {
    "SessionRunArgs": ("...engine.training.session_run_hook", "SessionRunArgs"),
    "SessionRunContext": ("...engine.training.session_run_hook", "SessionRunContext"),
    "SessionRunHook": ("...engine.training.session_run_hook", "SessionRunHook"),
    "SessionRunValues": ("...engine.training.session_run_hook", "SessionRunValues"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
