"""`tf.compat`: text and bytes, and TensorFlow 1 under the name that newer programs give it."""

from ..engine.platform.compat import as_bytes as as_bytes
from ..engine.platform.compat import as_str as as_str
from ..engine.platform.compat import as_str_any as as_str_any
from ..engine.platform.compat import as_text as as_text
from ..engine.platform.compat import bytes_or_text_types as bytes_or_text_types
from ..engine.platform.compat import complex_types as complex_types
from ..engine.platform.compat import disable_eager_execution as disable_eager_execution
from ..engine.platform.compat import disable_v2_behavior as disable_v2_behavior
from ..engine.platform.compat import executing_eagerly as executing_eagerly
from ..engine.platform.compat import integral_types as integral_types
from ..engine.platform.compat import path_to_str as path_to_str
from ..engine.platform.compat import real_types as real_types
from . import v1 as v1
