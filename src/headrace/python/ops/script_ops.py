"""The names of `tensorflow.python.ops.script_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.py_func import numpy_function, py_func

__all__ = [
    "numpy_function", "py_func",
]  # fmt: skip

_PLACES: Places = {
    "numpy_function": ("...engine.ops.py_func", "numpy_function"),
    "py_func": ("...engine.ops.py_func", "py_func"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
