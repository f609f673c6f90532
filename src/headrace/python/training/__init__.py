"""The modules of `tensorflow.python.training`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import (
        adadelta,
        adagrad,
        adam,
        basic_session_run_hooks,
        checkpoint_utils,
        coordinator,
        device_setter,
        ftrl,
        gradient_descent,
        input,
        learning_rate_decay,
        momentum,
        monitored_session,
        moving_averages,
        optimizer,
        queue_runner,
        queue_runner_impl,
        rmsprop,
        saver,
        server_lib,
        session_manager,
        session_run_hook,
        slot_creator,
        summary_io,
        supervisor,
        sync_replicas_optimizer,
        training,
        training_util,
        warm_starting_util,
    )

__all__ = [
    "adadelta", "adagrad", "adam", "basic_session_run_hooks", "checkpoint_utils", "coordinator", "device_setter",
    "ftrl", "gradient_descent", "input", "learning_rate_decay", "momentum", "monitored_session", "moving_averages",
    "optimizer", "queue_runner", "queue_runner_impl", "rmsprop", "saver", "server_lib", "session_manager",
    "session_run_hook", "slot_creator", "summary_io", "supervisor", "sync_replicas_optimizer", "training",
    "training_util", "warm_starting_util",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
