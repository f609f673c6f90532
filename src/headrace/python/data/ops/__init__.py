"""The modules of `tensorflow.python.data.ops`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import dataset_ops, iterator_ops, readers

__all__ = [
    "dataset_ops", "iterator_ops", "readers",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
