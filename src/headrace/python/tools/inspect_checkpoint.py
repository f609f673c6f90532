"""The names of `tensorflow.python.tools.inspect_checkpoint`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.array_slice import newaxis as FLAGS

__all__ = [
    "FLAGS",
]  # fmt: skip

_PLACES: Places = {
    "FLAGS": ("...engine.ops.array_slice", "newaxis"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
