"""`tf.metrics`: streaming metrics."""

from .layers.metrics import accuracy as accuracy
from .layers.metrics import mean as mean
