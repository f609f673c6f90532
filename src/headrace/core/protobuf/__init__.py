"""The modules of `tensorflow.core.protobuf`: messages of sessions, clusters and saved graphs."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import cluster_pb2, config_pb2, meta_graph_pb2, rewriter_config_pb2, saver_pb2, tensorflow_server_pb2

__all__ = [
    "cluster_pb2", "config_pb2", "meta_graph_pb2", "rewriter_config_pb2", "saver_pb2", "tensorflow_server_pb2",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
