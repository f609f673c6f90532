"""The names of `tensorflow.python.ops.random_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.random import (
        categorical,
        multinomial,
        random_gamma,
        random_normal,
        random_poisson,
        random_shuffle,
        random_uniform,
        truncated_normal,
    )

__all__ = [
    "categorical", "multinomial", "random_gamma", "random_normal", "random_poisson", "random_shuffle",
    "random_uniform", "truncated_normal",
]  # fmt: skip

_PLACES: Places = {
    "categorical": ("...engine.ops.random", "categorical"),
    "multinomial": ("...engine.ops.random", "multinomial"),
    "random_gamma": ("...engine.ops.random", "random_gamma"),
    "random_normal": ("...engine.ops.random", "random_normal"),
    "random_poisson": ("...engine.ops.random", "random_poisson"),
    "random_shuffle": ("...engine.ops.random", "random_shuffle"),
    "random_uniform": ("...engine.ops.random", "random_uniform"),
    "truncated_normal": ("...engine.ops.random", "truncated_normal"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
