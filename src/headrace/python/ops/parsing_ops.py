"""The names of `tensorflow.python.ops.parsing_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.decoding import decode_csv, decode_raw, decode_raw as decode_raw_v1
    from ...engine.ops.parsing import (
        FixedLenFeature,
        FixedLenSequenceFeature,
        SparseFeature,
        VarLenFeature,
        parse_example,
        parse_single_example,
        parse_single_sequence_example,
    )
    from ...engine.ops.serialized import parse_tensor

__all__ = [
    "FixedLenFeature", "FixedLenSequenceFeature", "SparseFeature", "VarLenFeature", "decode_csv", "decode_raw",
    "decode_raw_v1", "parse_example", "parse_single_example", "parse_single_sequence_example", "parse_tensor",
]  # fmt: skip

_PLACES: Places = {
    "FixedLenFeature": ("...engine.ops.parsing", "FixedLenFeature"),
    "FixedLenSequenceFeature": ("...engine.ops.parsing", "FixedLenSequenceFeature"),
    "SparseFeature": ("...engine.ops.parsing", "SparseFeature"),
    "VarLenFeature": ("...engine.ops.parsing", "VarLenFeature"),
    "decode_csv": ("...engine.ops.decoding", "decode_csv"),
    "decode_raw": ("...engine.ops.decoding", "decode_raw"),
    "decode_raw_v1": ("...engine.ops.decoding", "decode_raw"),
    "parse_example": ("...engine.ops.parsing", "parse_example"),
    "parse_single_example": ("...engine.ops.parsing", "parse_single_example"),
    "parse_single_sequence_example": ("...engine.ops.parsing", "parse_single_sequence_example"),
    "parse_tensor": ("...engine.ops.serialized", "parse_tensor"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
