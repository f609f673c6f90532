"""The names of `tensorflow.python.data.ops.iterator_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....datasets.iterator import Iterator

__all__ = [
    "Iterator",
]  # fmt: skip

_PLACES: Places = {
    "Iterator": ("....datasets.iterator", "Iterator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
