"""The parts of `tensorflow.core` that programs import by path: modules of messages."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import example, framework, protobuf, util

__all__ = [
    "example", "framework", "protobuf", "util",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
