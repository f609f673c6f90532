"""The names of `tensorflow.python.ops.stateless_random_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.array_split import split
    from ...engine.ops.random_stateless import (
        stateless_multinomial,
        stateless_multinomial as stateless_categorical,
        stateless_random_normal,
        stateless_random_uniform,
        stateless_truncated_normal,
    )

__all__ = [
    "split", "stateless_categorical", "stateless_multinomial", "stateless_random_normal", "stateless_random_uniform",
    "stateless_truncated_normal",
]  # fmt: skip

_PLACES: Places = {
    "split": ("...engine.ops.array_split", "split"),
    "stateless_categorical": ("...engine.ops.random_stateless", "stateless_multinomial"),
    "stateless_multinomial": ("...engine.ops.random_stateless", "stateless_multinomial"),
    "stateless_random_normal": ("...engine.ops.random_stateless", "stateless_random_normal"),
    "stateless_random_uniform": ("...engine.ops.random_stateless", "stateless_random_uniform"),
    "stateless_truncated_normal": ("...engine.ops.random_stateless", "stateless_truncated_normal"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
