"""The names of TensorFlow 1.15's `tf.python_io`."""

from .engine.records import TFRecordCompressionType as TFRecordCompressionType
from .engine.records import TFRecordOptions as TFRecordOptions
from .engine.records import TFRecordWriter as TFRecordWriter
from .engine.records import tf_record_iterator as tf_record_iterator
