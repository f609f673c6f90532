"""The modules of `tensorflow.python.ops.signal`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import signal

__all__ = [
    "signal",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
