"""The names of `tensorflow.python.tools.optimize_for_inference_lib`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.platform.flags import FLAGS

__all__ = [
    "FLAGS",
]  # fmt: skip

_PLACES: Places = {
    "FLAGS": ("...engine.platform.flags", "FLAGS"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
