"""The names of `tensorflow.python.training.supervisor`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.protos import SessionLog, Summary
    from ...engine.training.supervisor import Supervisor

__all__ = [
    "SessionLog", "Summary", "Supervisor",
]  # fmt: skip

_PLACES: Places = {
    "SessionLog": ("...engine.protos", "SessionLog"),
    "Summary": ("...engine.protos", "Summary"),
    "Supervisor": ("...engine.training.supervisor", "Supervisor"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
