"""The names of `tensorflow.python.framework.constant_op`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.constant import constant, constant as constant_v1

__all__ = [
    "constant", "constant_v1",
]  # fmt: skip

_PLACES: Places = {
    "constant": ("...engine.ops.constant", "constant"),
    "constant_v1": ("...engine.ops.constant", "constant"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
