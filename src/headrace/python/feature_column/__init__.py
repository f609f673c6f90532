"""The modules of `tensorflow.python.feature_column`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import feature_column, feature_column_lib

__all__ = [
    "feature_column", "feature_column_lib",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
