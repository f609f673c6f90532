"""The messages of `tensorflow.core.protobuf.rewriter_config_pb2`: the switches of the rewriting."""

from ...engine.protos import AutoParallelOptions, RewriterConfig, ScopedAllocatorOptions

__all__ = [
    "AutoParallelOptions", "RewriterConfig", "ScopedAllocatorOptions",
]  # fmt: skip
