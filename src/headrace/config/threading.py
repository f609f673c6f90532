"""The names of TensorFlow 1.15's `tf.config.threading`."""

from typing import TYPE_CHECKING

from ..engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ..engine.process_config import (
        get_inter_op_parallelism_threads,
        get_intra_op_parallelism_threads,
        set_inter_op_parallelism_threads,
        set_intra_op_parallelism_threads,
    )

__all__ = [
    "get_inter_op_parallelism_threads", "get_intra_op_parallelism_threads", "set_inter_op_parallelism_threads",
    "set_intra_op_parallelism_threads",
]  # fmt: skip

_PLACES: Places = {
    "get_inter_op_parallelism_threads": ("..engine.process_config", "get_inter_op_parallelism_threads"),
    "get_intra_op_parallelism_threads": ("..engine.process_config", "get_intra_op_parallelism_threads"),
    "set_inter_op_parallelism_threads": ("..engine.process_config", "set_inter_op_parallelism_threads"),
    "set_intra_op_parallelism_threads": ("..engine.process_config", "set_intra_op_parallelism_threads"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
