"""The names of TensorFlow 1.15's `tf.keras`."""

from ..layers.keras.base import Layer
from ..layers.keras.input_spec import InputSpec
from ..layers.keras.inputs import Input
from . import activations, backend, constraints, datasets, experimental, initializers, layers, regularizers, utils

__all__ = [
    "Input", "InputSpec", "Layer", "activations", "backend", "constraints", "datasets", "experimental",
    "initializers", "layers", "regularizers", "utils",
]  # fmt: skip
