"""The names of TensorFlow 1.15's `tf.strings`."""

from .engine.ops.string_patterns import (
    regex_full_match,
    regex_replace,
    string_to_hash_bucket as to_hash_bucket,
    string_to_hash_bucket_fast as to_hash_bucket_fast,
    string_to_hash_bucket_strong as to_hash_bucket_strong,
)
from .engine.ops.strings import (
    as_string,
    reduce_join,
    split,
    string_join as join,
    string_length as length,
    string_lower as lower,
    string_strip as strip,
    string_to_number as to_number,
    string_upper as upper,
    substr,
)

__all__ = [
    "as_string", "join", "length", "lower", "reduce_join", "regex_full_match", "regex_replace", "split", "strip",
    "substr", "to_hash_bucket", "to_hash_bucket_fast", "to_hash_bucket_strong", "to_number", "upper",
]  # fmt: skip
