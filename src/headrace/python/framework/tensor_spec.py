"""The names of `tensorflow.python.framework.tensor_spec`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...datasets.structure import TensorSpec

__all__ = [
    "TensorSpec",
]  # fmt: skip

_PLACES: Places = {
    "TensorSpec": ("...datasets.structure", "TensorSpec"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
