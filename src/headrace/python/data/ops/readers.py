"""The names of `tensorflow.python.data.ops.readers`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....datasets.files import (
        FixedLengthRecordDataset,
        FixedLengthRecordDataset as FixedLengthRecordDatasetV1,
        TextLineDataset,
        TextLineDataset as TextLineDatasetV1,
        TFRecordDataset,
        TFRecordDataset as TFRecordDatasetV1,
    )

__all__ = [
    "FixedLengthRecordDataset", "FixedLengthRecordDatasetV1", "TFRecordDataset", "TFRecordDatasetV1",
    "TextLineDataset", "TextLineDatasetV1",
]  # fmt: skip

_PLACES: Places = {
    "FixedLengthRecordDataset": ("....datasets.files", "FixedLengthRecordDataset"),
    "FixedLengthRecordDatasetV1": ("....datasets.files", "FixedLengthRecordDataset"),
    "TFRecordDataset": ("....datasets.files", "TFRecordDataset"),
    "TFRecordDatasetV1": ("....datasets.files", "TFRecordDataset"),
    "TextLineDataset": ("....datasets.files", "TextLineDataset"),
    "TextLineDatasetV1": ("....datasets.files", "TextLineDataset"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
