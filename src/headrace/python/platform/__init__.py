"""The modules of `tensorflow.python.platform`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import app, flags, gfile, googletest, resource_loader, test, tf_logging

__all__ = [
    "app", "flags", "gfile", "googletest", "resource_loader", "test", "tf_logging",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
