"""The names of `tensorflow.python.platform.tf_logging`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.tf_logging import (
        TaskLevelStatusMessage,
        debug,
        error,
        fatal,
        flush,
        get_logger,
        get_verbosity,
        info,
        log,
        log_every_n,
        log_first_n,
        log_if,
        set_verbosity,
        vlog,
        warn,
        warning,
    )

__all__ = [
    "TaskLevelStatusMessage", "debug", "error", "fatal", "flush", "get_logger", "get_verbosity", "info", "log",
    "log_every_n", "log_first_n", "log_if", "set_verbosity", "vlog", "warn", "warning",
]  # fmt: skip

_PLACES: Places = {
    "TaskLevelStatusMessage": ("...engine.platform.tf_logging", "TaskLevelStatusMessage"),
    "debug": ("...engine.platform.tf_logging", "debug"),
    "error": ("...engine.platform.tf_logging", "error"),
    "fatal": ("...engine.platform.tf_logging", "fatal"),
    "flush": ("...engine.platform.tf_logging", "flush"),
    "get_logger": ("...engine.platform.tf_logging", "get_logger"),
    "get_verbosity": ("...engine.platform.tf_logging", "get_verbosity"),
    "info": ("...engine.platform.tf_logging", "info"),
    "log": ("...engine.platform.tf_logging", "log"),
    "log_every_n": ("...engine.platform.tf_logging", "log_every_n"),
    "log_first_n": ("...engine.platform.tf_logging", "log_first_n"),
    "log_if": ("...engine.platform.tf_logging", "log_if"),
    "set_verbosity": ("...engine.platform.tf_logging", "set_verbosity"),
    "vlog": ("...engine.platform.tf_logging", "vlog"),
    "warn": ("...engine.platform.tf_logging", "warn"),
    "warning": ("...engine.platform.tf_logging", "warning"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
