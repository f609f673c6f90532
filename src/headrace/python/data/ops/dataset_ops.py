"""The names of `tensorflow.python.data.ops.dataset_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....datasets.dataset import Dataset, Dataset as DatasetV1
    from ....datasets.iterator import (
        get_output_classes as get_legacy_output_classes,
        get_output_shapes as get_legacy_output_shapes,
        get_output_types as get_legacy_output_types,
        make_initializable_iterator,
        make_one_shot_iterator,
    )
    from ....datasets.structure import DatasetSpec
    from ....layers.keras.data import DatasetSource

__all__ = [
    "Dataset", "DatasetSource", "DatasetSpec", "DatasetV1", "get_legacy_output_classes", "get_legacy_output_shapes",
    "get_legacy_output_types", "make_initializable_iterator", "make_one_shot_iterator",
]  # fmt: skip

_PLACES: Places = {
    "Dataset": ("....datasets.dataset", "Dataset"),
    "DatasetSource": ("....layers.keras.data", "DatasetSource"),
    "DatasetSpec": ("....datasets.structure", "DatasetSpec"),
    "DatasetV1": ("....datasets.dataset", "Dataset"),
    "get_legacy_output_classes": ("....datasets.iterator", "get_output_classes"),
    "get_legacy_output_shapes": ("....datasets.iterator", "get_output_shapes"),
    "get_legacy_output_types": ("....datasets.iterator", "get_output_types"),
    "make_initializable_iterator": ("....datasets.iterator", "make_initializable_iterator"),
    "make_one_shot_iterator": ("....datasets.iterator", "make_one_shot_iterator"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
