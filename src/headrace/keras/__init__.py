"""The names of TensorFlow 1.15's `tf.keras`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ..layers.keras import __version__
    from ..layers.keras.base import Layer
    from ..layers.keras.input_spec import InputSpec
    from ..layers.keras.inputs import Input
    from ..layers.keras.model import Model
    from ..layers.keras.sequential import Sequential
    from . import (
        activations,
        backend,
        callbacks,
        constraints,
        datasets,
        estimator,
        experimental,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        optimizers,
        preprocessing,
        regularizers,
        saving,
        utils,
    )

__all__ = [
    "Input", "InputSpec", "Layer", "Model", "Sequential", "__version__", "activations", "backend", "callbacks",
    "constraints", "datasets", "estimator", "experimental", "initializers", "layers", "losses", "metrics",
    "mixed_precision", "models", "optimizers", "preprocessing", "regularizers", "saving", "utils",
]  # fmt: skip

_PLACES: Places = {
    "Input": ("..layers.keras.inputs", "Input"),
    "InputSpec": ("..layers.keras.input_spec", "InputSpec"),
    "Layer": ("..layers.keras.base", "Layer"),
    "Model": ("..layers.keras.model", "Model"),
    "Sequential": ("..layers.keras.sequential", "Sequential"),
    "__version__": ("..layers.keras", "__version__"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
