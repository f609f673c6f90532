"""The names of `tensorflow.python.training.basic_session_run_hooks`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.protos import SessionLog, Summary
    from ...engine.summary.writer import FileWriterCache as SummaryWriterCache
    from ...engine.training.basic_session_run_hooks import (
        CheckpointSaverHook,
        CheckpointSaverListener,
        FeedFnHook,
        FinalOpsHook,
        GlobalStepWaiterHook,
        LoggingTensorHook,
        NanLossDuringTrainingError,
        NanTensorHook,
        ProfilerHook,
        StepCounterHook,
        StopAtStepHook,
        SummarySaverHook,
    )
    from ...engine.training.session_run_hook import SessionRunArgs
    from ...engine.training.timer import NeverTriggerTimer, SecondOrStepTimer

__all__ = [
    "CheckpointSaverHook", "CheckpointSaverListener", "FeedFnHook", "FinalOpsHook", "GlobalStepWaiterHook",
    "LoggingTensorHook", "NanLossDuringTrainingError", "NanTensorHook", "NeverTriggerTimer", "ProfilerHook",
    "SecondOrStepTimer", "SessionLog", "SessionRunArgs", "StepCounterHook", "StopAtStepHook", "Summary",
    "SummarySaverHook", "SummaryWriterCache",
]  # fmt: skip

_PLACES: Places = {
    "CheckpointSaverHook": ("...engine.training.basic_session_run_hooks", "CheckpointSaverHook"),
    "CheckpointSaverListener": ("...engine.training.basic_session_run_hooks", "CheckpointSaverListener"),
    "FeedFnHook": ("...engine.training.basic_session_run_hooks", "FeedFnHook"),
    "FinalOpsHook": ("...engine.training.basic_session_run_hooks", "FinalOpsHook"),
    "GlobalStepWaiterHook": ("...engine.training.basic_session_run_hooks", "GlobalStepWaiterHook"),
    "LoggingTensorHook": ("...engine.training.basic_session_run_hooks", "LoggingTensorHook"),
    "NanLossDuringTrainingError": ("...engine.training.basic_session_run_hooks", "NanLossDuringTrainingError"),
    "NanTensorHook": ("...engine.training.basic_session_run_hooks", "NanTensorHook"),
    "NeverTriggerTimer": ("...engine.training.timer", "NeverTriggerTimer"),
    "ProfilerHook": ("...engine.training.basic_session_run_hooks", "ProfilerHook"),
    "SecondOrStepTimer": ("...engine.training.timer", "SecondOrStepTimer"),
    "SessionLog": ("...engine.protos", "SessionLog"),
    "SessionRunArgs": ("...engine.training.session_run_hook", "SessionRunArgs"),
    "StepCounterHook": ("...engine.training.basic_session_run_hooks", "StepCounterHook"),
    "StopAtStepHook": ("...engine.training.basic_session_run_hooks", "StopAtStepHook"),
    "Summary": ("...engine.protos", "Summary"),
    "SummarySaverHook": ("...engine.training.basic_session_run_hooks", "SummarySaverHook"),
    "SummaryWriterCache": ("...engine.summary.writer", "FileWriterCache"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
