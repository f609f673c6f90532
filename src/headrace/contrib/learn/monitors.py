"""The names of TensorFlow 1.15's `tf.contrib.learn.monitors`."""

from ...engine.training.basic_session_run_hooks import NanLossDuringTrainingError
from ...estimators.contrib_monitors import (
    BaseMonitor,
    CaptureVariable,
    CheckpointSaver,
    EveryN,
    GraphDump,
    LoggingTrainable,
    NanLoss,
    PrintTensor,
    RunHookAdapterForMonitors,
    StepCounter,
    StopAtStep,
    SummarySaver,
    ValidationMonitor,
    get_default_monitors,
    replace_monitors_with_hooks,
)

__all__ = [
    "BaseMonitor", "CaptureVariable", "CheckpointSaver", "EveryN", "GraphDump", "LoggingTrainable", "NanLoss",
    "NanLossDuringTrainingError", "PrintTensor", "RunHookAdapterForMonitors", "StepCounter", "StopAtStep",
    "SummarySaver", "ValidationMonitor", "get_default_monitors", "replace_monitors_with_hooks",
]  # fmt: skip
