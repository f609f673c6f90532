"""The names of `tensorflow.python.training.supervisor`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.protos import SessionLog, Summary
    from ...engine.training.coordinator import (
        LooperThread as SVStepCounterThread,
        LooperThread as SVSummaryThread,
        LooperThread as SVTimerCheckpointThread,
    )
    from ...engine.training.supervisor import Supervisor

__all__ = [
    "SVStepCounterThread", "SVSummaryThread", "SVTimerCheckpointThread", "SessionLog", "Summary", "Supervisor",
]  # fmt: skip

_PLACES: Places = {
    "SVStepCounterThread": ("...engine.training.coordinator", "LooperThread"),
    "SVSummaryThread": ("...engine.training.coordinator", "LooperThread"),
    "SVTimerCheckpointThread": ("...engine.training.coordinator", "LooperThread"),
    "SessionLog": ("...engine.protos", "SessionLog"),
    "Summary": ("...engine.protos", "Summary"),
    "Supervisor": ("...engine.training.supervisor", "Supervisor"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
