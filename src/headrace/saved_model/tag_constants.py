"""The names of TensorFlow 1.15's `tf.saved_model.tag_constants`."""

from ..engine.saved_model.constants import EVAL, GPU, SERVING, TPU, TRAINING

__all__ = [
    "EVAL", "GPU", "SERVING", "TPU", "TRAINING",
]  # fmt: skip
