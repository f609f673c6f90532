"""The names of TensorFlow 1.15's `tf.contrib.util`."""

from ..engine.static import constant_value as constant_value
from ..engine.tensor_proto import make_ndarray as make_ndarray
from ..engine.tensor_proto import make_tensor_proto as make_tensor_proto
