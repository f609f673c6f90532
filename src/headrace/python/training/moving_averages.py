"""The names of `tensorflow.python.training.moving_averages`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.moving_averages import (
        ExponentialMovingAverage,
        assign_moving_average,
        weighted_moving_average,
    )

__all__ = [
    "ExponentialMovingAverage", "assign_moving_average", "weighted_moving_average",
]  # fmt: skip

_PLACES: Places = {
    "ExponentialMovingAverage": ("...engine.training.moving_averages", "ExponentialMovingAverage"),
    "assign_moving_average": ("...engine.training.moving_averages", "assign_moving_average"),
    "weighted_moving_average": ("...engine.training.moving_averages", "weighted_moving_average"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
