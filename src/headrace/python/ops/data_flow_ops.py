"""The names of `tensorflow.python.ops.data_flow_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.barrier import Barrier
    from ...engine.data_flow import (
        FIFOQueue,
        PaddingFIFOQueue,
        PriorityQueue,
        QueueBase,
        RandomShuffleQueue,
    )
    from ...engine.ops.accumulators import (
        ConditionalAccumulator,
        ConditionalAccumulatorBase,
        SparseConditionalAccumulator,
    )
    from ...engine.ops.array_dynamic import dynamic_partition, dynamic_stitch
    from ...engine.staging import StagingArea

__all__ = [
    "Barrier", "ConditionalAccumulator", "ConditionalAccumulatorBase", "FIFOQueue", "PaddingFIFOQueue",
    "PriorityQueue", "QueueBase", "RandomShuffleQueue", "SparseConditionalAccumulator", "StagingArea",
    "dynamic_partition", "dynamic_stitch",
]  # fmt: skip

_PLACES: Places = {
    "Barrier": ("...engine.barrier", "Barrier"),
    "ConditionalAccumulator": ("...engine.ops.accumulators", "ConditionalAccumulator"),
    "ConditionalAccumulatorBase": ("...engine.ops.accumulators", "ConditionalAccumulatorBase"),
    "FIFOQueue": ("...engine.data_flow", "FIFOQueue"),
    "PaddingFIFOQueue": ("...engine.data_flow", "PaddingFIFOQueue"),
    "PriorityQueue": ("...engine.data_flow", "PriorityQueue"),
    "QueueBase": ("...engine.data_flow", "QueueBase"),
    "RandomShuffleQueue": ("...engine.data_flow", "RandomShuffleQueue"),
    "SparseConditionalAccumulator": ("...engine.ops.accumulators", "SparseConditionalAccumulator"),
    "StagingArea": ("...engine.staging", "StagingArea"),
    "dynamic_partition": ("...engine.ops.array_dynamic", "dynamic_partition"),
    "dynamic_stitch": ("...engine.ops.array_dynamic", "dynamic_stitch"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
