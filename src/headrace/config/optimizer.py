"""The names of TensorFlow 1.15's `tf.config.optimizer`: the rewriting of graphs."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ..engine.process_config import get_experimental_options, get_jit, set_experimental_options, set_jit

__all__ = [
    "get_experimental_options", "get_jit", "set_experimental_options", "set_jit",
]  # fmt: skip

_PLACES: Places = {
    "get_experimental_options": ("..engine.process_config", "get_experimental_options"),
    "get_jit": ("..engine.process_config", "get_jit"),
    "set_experimental_options": ("..engine.process_config", "set_experimental_options"),
    "set_jit": ("..engine.process_config", "set_jit"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
