"""The names of `tensorflow.python.training.queue_runner_impl`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.queue_runner import QueueRunner, add_queue_runner, start_queue_runners

__all__ = [
    "QueueRunner", "add_queue_runner", "start_queue_runners",
]  # fmt: skip

_PLACES: Places = {
    "QueueRunner": ("...engine.training.queue_runner", "QueueRunner"),
    "add_queue_runner": ("...engine.training.queue_runner", "add_queue_runner"),
    "start_queue_runners": ("...engine.training.queue_runner", "start_queue_runners"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
