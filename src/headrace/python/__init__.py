"""The parts of `tensorflow.python` that programs import by path. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import lazy_names

if TYPE_CHECKING:
    from . import client, profiler

__all__ = [
    "client", "profiler",
]  # fmt: skip

_PLACES: dict[str, tuple[str, str]] = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
