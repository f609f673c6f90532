"""The names of TensorFlow 1.15's `tf.initializers`."""

from .engine.initializers import he_normal as he_normal
from .engine.initializers import he_uniform as he_uniform
from .engine.initializers import lecun_normal as lecun_normal
from .engine.initializers import lecun_uniform as lecun_uniform
from .engine.lookup import tables_initializer as tables_initializer
