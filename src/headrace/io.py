"""The names of TensorFlow 1.15's `tf.io`."""

from .engine.data_flow import PaddingFIFOQueue, PriorityQueue, QueueBase, RandomShuffleQueue
from .engine.graph_util import write_graph
from .engine.ops.decoding import decode_csv, decode_raw
from .engine.ops.files import matching_files, read_file, write_file
from .engine.ops.image_codecs import (
    decode_and_crop_jpeg,
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    encode_jpeg,
    encode_png,
    extract_jpeg_shape,
    is_jpeg,
)
from .engine.ops.parsing import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    parse_example,
    parse_single_example,
    parse_single_sequence_example,
)
from .engine.ops.serialized import (
    deserialize_many_sparse,
    parse_tensor,
    serialize_many_sparse,
    serialize_sparse,
    serialize_tensor,
)
from .engine.ops.strings import decode_base64, encode_base64
from .engine.records import TFRecordCompressionType, TFRecordOptions, TFRecordWriter, tf_record_iterator
from .engine.training.input import match_filenames_once

__all__ = [
    "FixedLenFeature", "FixedLenSequenceFeature", "PaddingFIFOQueue", "PriorityQueue", "QueueBase",
    "RandomShuffleQueue", "SparseFeature", "TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter",
    "VarLenFeature", "decode_and_crop_jpeg", "decode_base64", "decode_bmp", "decode_csv", "decode_gif",
    "decode_image", "decode_jpeg", "decode_png", "decode_raw", "deserialize_many_sparse", "encode_base64",
    "encode_jpeg", "encode_png", "extract_jpeg_shape", "is_jpeg", "match_filenames_once", "matching_files",
    "parse_example", "parse_single_example", "parse_single_sequence_example", "parse_tensor", "read_file",
    "serialize_many_sparse", "serialize_sparse", "serialize_tensor", "tf_record_iterator", "write_file",
    "write_graph",
]  # fmt: skip
