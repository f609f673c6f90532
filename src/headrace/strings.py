"""The names of TensorFlow 1.15's `tf.strings`."""

from .engine.ops.string_patterns import regex_full_match as regex_full_match
from .engine.ops.string_patterns import regex_replace as regex_replace
from .engine.ops.strings import as_string as as_string
from .engine.ops.strings import reduce_join as reduce_join
from .engine.ops.strings import substr as substr
