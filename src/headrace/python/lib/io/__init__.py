"""The modules of `tensorflow.python.lib.io`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import file_io, python_io, tf_record

__all__ = [
    "file_io", "python_io", "tf_record",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
