"""The names of TensorFlow 1.15's `tf.contrib.framework`."""

from ..engine.checkpoint.reader import list_variables as list_variables
from ..engine.checkpoint.reader import load_checkpoint as load_checkpoint
from ..engine.checkpoint.reader import load_variable as load_variable
from ..engine.training.global_step import assert_global_step as assert_global_step
from ..engine.training.global_step import create_global_step as create_global_step
from ..engine.training.global_step import get_global_step as get_global_step
from ..engine.training.global_step import get_or_create_global_step as get_or_create_global_step
