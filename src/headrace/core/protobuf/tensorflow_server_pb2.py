"""The messages of `tensorflow.core.protobuf.tensorflow_server_pb2`: how a server is started."""

from ...engine.protos import ServerDef

__all__ = [
    "ServerDef",
]  # fmt: skip
