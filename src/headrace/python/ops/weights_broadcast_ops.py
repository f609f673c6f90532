"""The names of `tensorflow.python.ops.weights_broadcast_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.weights import assert_broadcastable, broadcast_weights

__all__ = [
    "assert_broadcastable", "broadcast_weights",
]  # fmt: skip

_PLACES: Places = {
    "assert_broadcastable": ("...layers.weights", "assert_broadcastable"),
    "broadcast_weights": ("...layers.weights", "broadcast_weights"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
