"""The messages of `tensorflow.core.protobuf.saver_pb2`: how a graph is saved."""

from ...engine.protos import SaverDef

__all__ = [
    "SaverDef",
]  # fmt: skip
