"""The names of `tensorflow.python.framework.random_seed`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.random import get_seed, set_random_seed

__all__ = [
    "get_seed", "set_random_seed",
]  # fmt: skip

_PLACES: Places = {
    "get_seed": ("...engine.ops.random", "get_seed"),
    "set_random_seed": ("...engine.ops.random", "set_random_seed"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
