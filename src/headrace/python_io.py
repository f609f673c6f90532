"""The names of TensorFlow 1.15's `tf.python_io`."""

from .engine.records import TFRecordCompressionType, TFRecordOptions, TFRecordWriter, tf_record_iterator

__all__ = [
    "TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter", "tf_record_iterator",
]  # fmt: skip
