"""The messages of `tensorflow.core.protobuf.config_pb2`: how sessions and their steps run."""

from ...engine.protos import ConfigProto, GPUOptions, GraphOptions, OptimizerOptions, RPCOptions, RunMetadata, RunOptions, SessionMetadata, ThreadPoolOptionProto

__all__ = [
    "ConfigProto", "GPUOptions", "GraphOptions", "OptimizerOptions", "RPCOptions", "RunMetadata", "RunOptions",
    "SessionMetadata", "ThreadPoolOptionProto",
]  # fmt: skip
