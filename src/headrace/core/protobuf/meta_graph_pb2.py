"""The messages of `tensorflow.core.protobuf.meta_graph_pb2`: graphs with what belongs to them."""

from ...engine.protos import AssetFileDef, CollectionDef, MetaGraphDef, SignatureDef, TensorInfo

__all__ = [
    "AssetFileDef", "CollectionDef", "MetaGraphDef", "SignatureDef", "TensorInfo",
]  # fmt: skip
