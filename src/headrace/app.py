"""`tf.app`: the program's entry and its flags."""

from . import flags as flags
from .engine.platform.app import run as run
