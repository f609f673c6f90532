"""The names of `tensorflow.python.ops.while_loop`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.while_loop import while_loop

__all__ = [
    "while_loop",
]  # fmt: skip

_PLACES: Places = {
    "while_loop": ("...engine.ops.while_loop", "while_loop"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
