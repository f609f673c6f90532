"""The names of `tensorflow.python.training.monitored_session`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.monitored_session import (
        ChiefSessionCreator,
        MonitoredSession,
        MonitoredTrainingSession,
        SessionCreator,
        SingularMonitoredSession,
        WorkerSessionCreator,
    )
    from ...engine.training.scaffold import Scaffold

__all__ = [
    "ChiefSessionCreator", "MonitoredSession", "MonitoredTrainingSession", "Scaffold", "SessionCreator",
    "SingularMonitoredSession", "WorkerSessionCreator",
]  # fmt: skip

_PLACES: Places = {
    "ChiefSessionCreator": ("...engine.training.monitored_session", "ChiefSessionCreator"),
    "MonitoredSession": ("...engine.training.monitored_session", "MonitoredSession"),
    "MonitoredTrainingSession": ("...engine.training.monitored_session", "MonitoredTrainingSession"),
    "Scaffold": ("...engine.training.scaffold", "Scaffold"),
    "SessionCreator": ("...engine.training.monitored_session", "SessionCreator"),
    "SingularMonitoredSession": ("...engine.training.monitored_session", "SingularMonitoredSession"),
    "WorkerSessionCreator": ("...engine.training.monitored_session", "WorkerSessionCreator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
