"""The names of `tensorflow.python.ops.string_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.string_patterns import (
        regex_full_match,
        regex_replace,
        string_to_hash_bucket,
        string_to_hash_bucket as string_to_hash_bucket_v1,
        string_to_hash_bucket_fast,
        string_to_hash_bucket_strong,
    )
    from ...engine.ops.strings import (
        as_string,
        decode_base64,
        encode_base64,
        reduce_join,
        string_join,
        string_length,
        string_lower,
        string_split,
        string_strip,
        string_to_number,
        string_to_number as string_to_number_v1,
        string_upper,
        substr,
        substr as substr_deprecated,
    )

__all__ = [
    "as_string", "decode_base64", "encode_base64", "reduce_join", "regex_full_match", "regex_replace", "string_join",
    "string_length", "string_lower", "string_split", "string_strip", "string_to_hash_bucket",
    "string_to_hash_bucket_fast", "string_to_hash_bucket_strong", "string_to_hash_bucket_v1", "string_to_number",
    "string_to_number_v1", "string_upper", "substr", "substr_deprecated",
]  # fmt: skip

_PLACES: Places = {
    "as_string": ("...engine.ops.strings", "as_string"),
    "decode_base64": ("...engine.ops.strings", "decode_base64"),
    "encode_base64": ("...engine.ops.strings", "encode_base64"),
    "reduce_join": ("...engine.ops.strings", "reduce_join"),
    "regex_full_match": ("...engine.ops.string_patterns", "regex_full_match"),
    "regex_replace": ("...engine.ops.string_patterns", "regex_replace"),
    "string_join": ("...engine.ops.strings", "string_join"),
    "string_length": ("...engine.ops.strings", "string_length"),
    "string_lower": ("...engine.ops.strings", "string_lower"),
    "string_split": ("...engine.ops.strings", "string_split"),
    "string_strip": ("...engine.ops.strings", "string_strip"),
    "string_to_hash_bucket": ("...engine.ops.string_patterns", "string_to_hash_bucket"),
    "string_to_hash_bucket_fast": ("...engine.ops.string_patterns", "string_to_hash_bucket_fast"),
    "string_to_hash_bucket_strong": ("...engine.ops.string_patterns", "string_to_hash_bucket_strong"),
    "string_to_hash_bucket_v1": ("...engine.ops.string_patterns", "string_to_hash_bucket"),
    "string_to_number": ("...engine.ops.strings", "string_to_number"),
    "string_to_number_v1": ("...engine.ops.strings", "string_to_number"),
    "string_upper": ("...engine.ops.strings", "string_upper"),
    "substr": ("...engine.ops.strings", "substr"),
    "substr_deprecated": ("...engine.ops.strings", "substr"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
