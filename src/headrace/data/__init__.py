"""The names of TensorFlow 1.15's `tf.data`."""

from ..datasets.dataset import Dataset
from ..datasets.files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from ..datasets.iterator import (
    Iterator,
    get_output_classes,
    get_output_shapes,
    get_output_types,
    make_initializable_iterator,
    make_one_shot_iterator,
)
from ..datasets.options import Options
from ..datasets.prefetching import AUTOTUNE
from ..datasets.structure import DatasetSpec
from . import experimental

__all__ = [
    "AUTOTUNE", "Dataset", "DatasetSpec", "FixedLengthRecordDataset", "Iterator", "Options", "TFRecordDataset",
    "TextLineDataset", "experimental", "get_output_classes", "get_output_shapes", "get_output_types",
    "make_initializable_iterator", "make_one_shot_iterator",
]  # fmt: skip
