"""The modules of `tensorflow.python.ops.losses`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import losses, losses_impl, util

__all__ = [
    "losses", "losses_impl", "util",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
