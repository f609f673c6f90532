"""The names of `tensorflow.python.framework.graph_util_impl`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.graph_util import (
        extract_sub_graph,
        must_run_on_cpu,
        remove_training_nodes,
        tensor_shape_from_node_def_name,
    )
    from ...engine.protos import GraphDef

__all__ = [
    "GraphDef", "extract_sub_graph", "must_run_on_cpu", "remove_training_nodes", "tensor_shape_from_node_def_name",
]  # fmt: skip

_PLACES: Places = {
    "GraphDef": ("...engine.protos", "GraphDef"),
    "extract_sub_graph": ("...engine.graph_util", "extract_sub_graph"),
    "must_run_on_cpu": ("...engine.graph_util", "must_run_on_cpu"),
    "remove_training_nodes": ("...engine.graph_util", "remove_training_nodes"),
    "tensor_shape_from_node_def_name": ("...engine.graph_util", "tensor_shape_from_node_def_name"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
