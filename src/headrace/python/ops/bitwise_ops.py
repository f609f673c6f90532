"""The names of `tensorflow.python.ops.bitwise_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.comparison import bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift
    from ...engine.ops.rounding import invert

__all__ = [
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
]  # fmt: skip

_PLACES: Places = {
    "bitwise_and": ("...engine.ops.comparison", "bitwise_and"),
    "bitwise_or": ("...engine.ops.comparison", "bitwise_or"),
    "bitwise_xor": ("...engine.ops.comparison", "bitwise_xor"),
    "invert": ("...engine.ops.rounding", "invert"),
    "left_shift": ("...engine.ops.comparison", "left_shift"),
    "right_shift": ("...engine.ops.comparison", "right_shift"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
