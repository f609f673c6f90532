"""The messages of `tensorflow.core.framework.graph_pb2`: graphs."""

from ...engine.protos import GraphDef

__all__ = [
    "GraphDef",
]  # fmt: skip
