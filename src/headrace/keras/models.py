"""The names of TensorFlow 1.15's `tf.keras.models`."""

from ..layers.keras.model import Model
from ..layers.keras.model_config import clone_model, model_from_config, model_from_json
from ..layers.keras.saving import load_model, save_model
from ..layers.keras.sequential import Sequential

__all__ = [
    "Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json", "save_model",
]  # fmt: skip
