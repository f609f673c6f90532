"""The modules of `tensorflow.python.tools`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import freeze_graph, inspect_checkpoint

__all__ = [
    "freeze_graph", "inspect_checkpoint",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
