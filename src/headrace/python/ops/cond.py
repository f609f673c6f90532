"""The names of `tensorflow.python.ops.cond`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.cond import cond

__all__ = [
    "cond",
]  # fmt: skip

_PLACES: Places = {
    "cond": ("...engine.ops.cond", "cond"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
