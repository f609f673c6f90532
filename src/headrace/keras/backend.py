"""The names of TensorFlow 1.15's `tf.keras.backend`."""

from ..engine.ops.unary import square
from ..layers.keras.backend import (
    batch_get_value,
    batch_set_value,
    clear_session,
    epsilon,
    floatx,
    get_session,
    get_uid,
    get_value,
    image_data_format,
    learning_phase,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_learning_phase,
    set_session,
    set_value,
    symbolic_learning_phase,
)
from ..layers.metrics.means import mean

__all__ = [
    "batch_get_value", "batch_set_value", "clear_session", "epsilon", "floatx", "get_session", "get_uid", "get_value",
    "image_data_format", "learning_phase", "mean", "set_epsilon", "set_floatx", "set_image_data_format",
    "set_learning_phase", "set_session", "set_value", "square", "symbolic_learning_phase",
]  # fmt: skip
