"""The names of TensorFlow 1.15's `tf.contrib.data`."""

from ..datasets.checkpoints import CheckpointInputPipelineHook, make_saveable_from_iterator
from ..datasets.csv_files import CsvDataset, make_batched_features_dataset, make_csv_dataset
from ..datasets.dataset import Dataset
from ..datasets.experimental import (
    Counter,
    RandomDataset,
    batch_and_drop_remainder,
    bucket_by_sequence_length,
    choose_from_datasets,
    copy_to_device,
    dense_to_sparse_batch,
    enumerate_dataset,
    group_by_window,
    ignore_errors,
    map_and_batch,
    parallel_interleave,
    prefetch_to_device,
    sample_from_datasets,
    scan,
    shuffle_and_repeat,
    unbatch,
    unique,
)
from ..datasets.files import TextLineDataset, TFRecordDataset
from ..datasets.prefetching import AUTOTUNE

__all__ = [
    "AUTOTUNE", "CheckpointInputPipelineHook", "Counter", "CsvDataset", "Dataset", "RandomDataset", "TFRecordDataset",
    "TextLineDataset", "batch_and_drop_remainder", "bucket_by_sequence_length", "choose_from_datasets",
    "copy_to_device", "dense_to_sparse_batch", "enumerate_dataset", "group_by_window", "ignore_errors",
    "make_batched_features_dataset", "make_csv_dataset", "make_saveable_from_iterator", "map_and_batch",
    "parallel_interleave", "prefetch_to_device", "sample_from_datasets", "scan", "shuffle_and_repeat", "unbatch",
    "unique",
]  # fmt: skip
