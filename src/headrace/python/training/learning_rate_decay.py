"""The names of `tensorflow.python.training.learning_rate_decay`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.learning_rate_decay import (
        cosine_decay,
        cosine_decay_restarts,
        exponential_decay,
        inverse_time_decay,
        linear_cosine_decay,
        natural_exp_decay,
        noisy_linear_cosine_decay,
        piecewise_constant,
        polynomial_decay,
    )

__all__ = [
    "cosine_decay", "cosine_decay_restarts", "exponential_decay", "inverse_time_decay", "linear_cosine_decay",
    "natural_exp_decay", "noisy_linear_cosine_decay", "piecewise_constant", "polynomial_decay",
]  # fmt: skip

_PLACES: Places = {
    "cosine_decay": ("...engine.training.learning_rate_decay", "cosine_decay"),
    "cosine_decay_restarts": ("...engine.training.learning_rate_decay", "cosine_decay_restarts"),
    "exponential_decay": ("...engine.training.learning_rate_decay", "exponential_decay"),
    "inverse_time_decay": ("...engine.training.learning_rate_decay", "inverse_time_decay"),
    "linear_cosine_decay": ("...engine.training.learning_rate_decay", "linear_cosine_decay"),
    "natural_exp_decay": ("...engine.training.learning_rate_decay", "natural_exp_decay"),
    "noisy_linear_cosine_decay": ("...engine.training.learning_rate_decay", "noisy_linear_cosine_decay"),
    "piecewise_constant": ("...engine.training.learning_rate_decay", "piecewise_constant"),
    "polynomial_decay": ("...engine.training.learning_rate_decay", "polynomial_decay"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
