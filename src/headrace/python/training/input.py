"""The names of `tensorflow.python.training.input`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.training.input import (
        batch,
        batch_join,
        input_producer,
        limit_epochs,
        match_filenames_once,
        maybe_batch,
        maybe_batch_join,
        maybe_shuffle_batch,
        maybe_shuffle_batch_join,
        range_input_producer,
        shuffle_batch,
        shuffle_batch_join,
        slice_input_producer,
        string_input_producer,
    )

__all__ = [
    "batch", "batch_join", "input_producer", "limit_epochs", "match_filenames_once", "maybe_batch",
    "maybe_batch_join", "maybe_shuffle_batch", "maybe_shuffle_batch_join", "range_input_producer", "shuffle_batch",
    "shuffle_batch_join", "slice_input_producer", "string_input_producer",
]  # fmt: skip

_PLACES: Places = {
    "batch": ("...engine.training.input", "batch"),
    "batch_join": ("...engine.training.input", "batch_join"),
    "input_producer": ("...engine.training.input", "input_producer"),
    "limit_epochs": ("...engine.training.input", "limit_epochs"),
    "match_filenames_once": ("...engine.training.input", "match_filenames_once"),
    "maybe_batch": ("...engine.training.input", "maybe_batch"),
    "maybe_batch_join": ("...engine.training.input", "maybe_batch_join"),
    "maybe_shuffle_batch": ("...engine.training.input", "maybe_shuffle_batch"),
    "maybe_shuffle_batch_join": ("...engine.training.input", "maybe_shuffle_batch_join"),
    "range_input_producer": ("...engine.training.input", "range_input_producer"),
    "shuffle_batch": ("...engine.training.input", "shuffle_batch"),
    "shuffle_batch_join": ("...engine.training.input", "shuffle_batch_join"),
    "slice_input_producer": ("...engine.training.input", "slice_input_producer"),
    "string_input_producer": ("...engine.training.input", "string_input_producer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
