"""The names of `tensorflow.python.framework.sparse_tensor`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...datasets.structure import SparseTensorSpec
    from ...engine.tensor_types import SparseTensor, SparseTensorValue

__all__ = [
    "SparseTensor", "SparseTensorSpec", "SparseTensorValue",
]  # fmt: skip

_PLACES: Places = {
    "SparseTensor": ("...engine.tensor_types", "SparseTensor"),
    "SparseTensorSpec": ("...datasets.structure", "SparseTensorSpec"),
    "SparseTensorValue": ("...engine.tensor_types", "SparseTensorValue"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
