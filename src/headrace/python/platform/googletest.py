"""The names of `tensorflow.python.platform.googletest`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.testing import Benchmark, main

__all__ = [
    "Benchmark", "main",
]  # fmt: skip

_PLACES: Places = {
    "Benchmark": ("...engine.testing", "Benchmark"),
    "main": ("...engine.testing", "main"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
