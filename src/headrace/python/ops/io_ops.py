"""The names of `tensorflow.python.ops.io_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.files import matching_files, read_file, write_file
    from ...engine.ops.readers import (
        FixedLengthRecordReader,
        IdentityReader,
        ReaderBase,
        TextLineReader,
        TFRecordReader,
        WholeFileReader,
    )
    from ...engine.ops.serialized import serialize_tensor

__all__ = [
    "FixedLengthRecordReader", "IdentityReader", "ReaderBase", "TFRecordReader", "TextLineReader", "WholeFileReader",
    "matching_files", "read_file", "serialize_tensor", "write_file",
]  # fmt: skip

_PLACES: Places = {
    "FixedLengthRecordReader": ("...engine.ops.readers", "FixedLengthRecordReader"),
    "IdentityReader": ("...engine.ops.readers", "IdentityReader"),
    "ReaderBase": ("...engine.ops.readers", "ReaderBase"),
    "TFRecordReader": ("...engine.ops.readers", "TFRecordReader"),
    "TextLineReader": ("...engine.ops.readers", "TextLineReader"),
    "WholeFileReader": ("...engine.ops.readers", "WholeFileReader"),
    "matching_files": ("...engine.ops.files", "matching_files"),
    "read_file": ("...engine.ops.files", "read_file"),
    "serialize_tensor": ("...engine.ops.serialized", "serialize_tensor"),
    "write_file": ("...engine.ops.files", "write_file"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
