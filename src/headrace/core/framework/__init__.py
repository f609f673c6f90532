"""The modules of `tensorflow.core.framework`: messages of graphs and of what they give."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import (
        attr_value_pb2,
        graph_pb2,
        node_def_pb2,
        step_stats_pb2,
        summary_pb2,
        tensor_pb2,
        tensor_shape_pb2,
        types_pb2,
    )

__all__ = [
    "attr_value_pb2", "graph_pb2", "node_def_pb2", "step_stats_pb2", "summary_pb2", "tensor_pb2", "tensor_shape_pb2",
    "types_pb2",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
