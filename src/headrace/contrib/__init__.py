"""The names of TensorFlow 1.15's `tf.contrib`."""

from . import framework as framework
from . import layers as layers
from . import lookup as lookup
from . import opt as opt
from . import training as training
from . import util as util
