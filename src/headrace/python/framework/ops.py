"""The names of `tensorflow.python.framework.ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.conversion import convert_to_tensor, register_tensor_conversion_function
    from ...engine.gradients import (
        RegisterGradient,
        not_differentiable as NoGradient,
        not_differentiable as NotDifferentiable,
        not_differentiable as no_gradient,
    )
    from ...engine.graph import Graph, Operation, Tensor, get_default_graph, get_default_session, reset_default_graph
    from ...engine.platform.compat import disable_eager_execution
    from ...engine.profiler.statistics import OpStats, RegisterStatistics, get_stats_for_node_def
    from ...engine.scopes import (
        GraphKeys,
        add_to_collection,
        add_to_collections,
        colocate_with,
        container,
        control_dependencies,
        device,
        get_all_collection_keys,
        get_collection,
        get_collection_ref,
        get_name_scope,
        init_scope,
        name_scope,
        name_scope as name_scope_v1,
        op_scope,
    )
    from ...engine.tensor_types import IndexedSlices
    from ...engine.training.meta_graph import register_proto_function

__all__ = [
    "Graph", "GraphKeys", "IndexedSlices", "NoGradient", "NotDifferentiable", "OpStats", "Operation",
    "RegisterGradient", "RegisterStatistics", "Tensor", "add_to_collection", "add_to_collections", "colocate_with",
    "container", "control_dependencies", "convert_to_tensor", "device", "disable_eager_execution",
    "get_all_collection_keys", "get_collection", "get_collection_ref", "get_default_graph", "get_default_session",
    "get_name_scope", "get_stats_for_node_def", "init_scope", "name_scope", "name_scope_v1", "no_gradient",
    "op_scope", "register_proto_function", "register_tensor_conversion_function", "reset_default_graph",
]  # fmt: skip

_PLACES: Places = {
    "Graph": ("...engine.graph", "Graph"),
    "GraphKeys": ("...engine.scopes", "GraphKeys"),
    "IndexedSlices": ("...engine.tensor_types", "IndexedSlices"),
    "NoGradient": ("...engine.gradients", "not_differentiable"),
    "NotDifferentiable": ("...engine.gradients", "not_differentiable"),
    "OpStats": ("...engine.profiler.statistics", "OpStats"),
    "Operation": ("...engine.graph", "Operation"),
    "RegisterGradient": ("...engine.gradients", "RegisterGradient"),
    "RegisterStatistics": ("...engine.profiler.statistics", "RegisterStatistics"),
    "Tensor": ("...engine.graph", "Tensor"),
    "add_to_collection": ("...engine.scopes", "add_to_collection"),
    "add_to_collections": ("...engine.scopes", "add_to_collections"),
    "colocate_with": ("...engine.scopes", "colocate_with"),
    "container": ("...engine.scopes", "container"),
    "control_dependencies": ("...engine.scopes", "control_dependencies"),
    "convert_to_tensor": ("...engine.conversion", "convert_to_tensor"),
    "device": ("...engine.scopes", "device"),
    "disable_eager_execution": ("...engine.platform.compat", "disable_eager_execution"),
    "get_all_collection_keys": ("...engine.scopes", "get_all_collection_keys"),
    "get_collection": ("...engine.scopes", "get_collection"),
    "get_collection_ref": ("...engine.scopes", "get_collection_ref"),
    "get_default_graph": ("...engine.graph", "get_default_graph"),
    "get_default_session": ("...engine.graph", "get_default_session"),
    "get_name_scope": ("...engine.scopes", "get_name_scope"),
    "get_stats_for_node_def": ("...engine.profiler.statistics", "get_stats_for_node_def"),
    "init_scope": ("...engine.scopes", "init_scope"),
    "name_scope": ("...engine.scopes", "name_scope"),
    "name_scope_v1": ("...engine.scopes", "name_scope"),
    "no_gradient": ("...engine.gradients", "not_differentiable"),
    "op_scope": ("...engine.scopes", "op_scope"),
    "register_proto_function": ("...engine.training.meta_graph", "register_proto_function"),
    "register_tensor_conversion_function": ("...engine.conversion", "register_tensor_conversion_function"),
    "reset_default_graph": ("...engine.graph", "reset_default_graph"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
