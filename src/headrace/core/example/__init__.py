"""The modules of `tensorflow.core.example`: messages of examples."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import example_pb2, feature_pb2

__all__ = [
    "example_pb2", "feature_pb2",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
