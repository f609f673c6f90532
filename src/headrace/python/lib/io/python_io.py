"""The names of `tensorflow.python.lib.io.python_io`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....engine.records import TFRecordCompressionType, TFRecordOptions, TFRecordWriter, tf_record_iterator

__all__ = [
    "TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter", "tf_record_iterator",
]  # fmt: skip

_PLACES: Places = {
    "TFRecordCompressionType": ("....engine.records", "TFRecordCompressionType"),
    "TFRecordOptions": ("....engine.records", "TFRecordOptions"),
    "TFRecordWriter": ("....engine.records", "TFRecordWriter"),
    "tf_record_iterator": ("....engine.records", "tf_record_iterator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
