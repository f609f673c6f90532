"""The messages of `tensorflow.core.framework.node_def_pb2`: nodes of graphs."""

from ...engine.protos import NodeDef

__all__ = [
    "NodeDef",
]  # fmt: skip
