"""`tf.compat`: text and bytes, and TensorFlow 1 under the name that newer programs give it."""

from ..engine.platform.compat import (
    as_bytes,
    as_str,
    as_str_any,
    as_text,
    bytes_or_text_types,
    complex_types,
    disable_eager_execution,
    disable_v2_behavior,
    executing_eagerly,
    integral_types,
    path_to_str,
    real_types,
)
from . import v1

__all__ = [
    "as_bytes", "as_str", "as_str_any", "as_text", "bytes_or_text_types", "complex_types", "disable_eager_execution",
    "disable_v2_behavior", "executing_eagerly", "integral_types", "path_to_str", "real_types", "v1",
]  # fmt: skip
